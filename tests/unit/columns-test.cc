// The arrays of columns against the tables that the migrations make.
#include "tests/unit/store-fixture.h"
#include "watchdog/core/event/process-status.h"
#include "watchdog/core/event/setting.h"
#include "watchdog/core/event/termination.h"
#include "watchdog/store/status.h"

#include <algorithm>

namespace
{

class Columns : public StoreTest
{
protected:
  // Each column as "name|type", sorted: migrations add theirs at the end, the arrays where they
  // belong.
  static Rows declared(const WdTable &table)
  {
    Rows result;
    if (!g_str_equal(table.columns[0].name, table.key))
      result.push_back(std::string(table.key) + "|INTEGER");
    for (guint i = 0; i < table.n_columns + table.n_hidden; i++) {
      const WdColumn &column = table.columns[i];
      const char *type = column.type == WD_TYPE_TEXT     ? "TEXT"
                         : column.type == WD_TYPE_DOUBLE ? "REAL"
                                                         : "INTEGER";
      result.push_back(std::string(column.name) + "|" + type);
    }
    std::sort(result.begin(), result.end());
    return result;
  }

  static Rows stored(const std::string &file, const WdTable &table)
  {
    const std::string sql =
        std::string("SELECT name, type FROM pragma_table_info('") + table.stored + "')";
    Rows result = rows(file, sql.c_str());
    std::sort(result.begin(), result.end());
    return result;
  }
};

TEST_F(Columns, TheHistoryHasThoseOfEvents)
{
  g_autoptr(WdHistory) history = open_history(path("history.db"), run("a"));
  EXPECT_EQ(stored(path("history.db"), wd_event_table), declared(wd_event_table));
}

TEST_F(Columns, TheStatusHasThoseOfItsTables)
{
  g_autoptr(WdStatus) status = wd_status_open(path("status.db").c_str(), nullptr);
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(stored(path("status.db"), wd_process_table), declared(wd_process_table));
  EXPECT_EQ(stored(path("status.db"), wd_sample_table), declared(wd_sample_table));
  EXPECT_EQ(stored(path("status.db"), wd_setting_table), declared(wd_setting_table));
}

TEST_F(Columns, TheKeyIsTheTablesOwn)
{
  g_autoptr(WdHistory) history = open_history(path("history.db"), run("a"));
  g_autoptr(WdStatus) status = wd_status_open(path("status.db").c_str(), nullptr);
  for (const WdTable *table :
       {&wd_event_table, &wd_process_table, &wd_sample_table, &wd_setting_table}) {
    const std::string sql =
        std::string("SELECT name FROM pragma_table_info('") + table->stored + "') WHERE pk";
    const char *file = table == &wd_event_table ? "history.db" : "status.db";
    EXPECT_EQ(rows(path(file), sql.c_str()), Rows{table->key});
  }
}

TEST_F(Columns, WhatIsShownIsExplained)
{
  for (const WdTable *table : {&wd_event_table, &wd_process_table, &wd_sample_table,
                               &wd_setting_table, &wd_termination_table})
    for (guint i = 0; i < table->n_columns; i++)
      EXPECT_NE(table->columns[i].meaning, nullptr) << table->columns[i].name;
}

} // namespace
