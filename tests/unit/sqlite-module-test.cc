#include "tables/sqlite-module.h"

#include "tests/unit/store-fixture.h"

#include "watchdog/store/status.h"

namespace
{

class SqliteModule : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    store = table_store_new(directory.c_str(), directory.c_str());
    ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
    ASSERT_EQ(table_sqlite_register(db, store), SQLITE_OK);
    g_autoptr(WdHistory) history = open_history(path("history.db"), run("a"));
    for (guint64 seq = 1; seq <= 6; seq++)
      append(history, seq, seq % 2 == 0 ? WD_EVENT_PROCESS_EXITED : WD_EVENT_PROCESS_STARTED,
             static_cast<gint64>(seq) * 100);
  }

  void TearDown() override
  {
    sqlite3_close(db);
    table_store_free(store);
    StoreTest::TearDown();
  }

  Rows ask(const char *sql)
  {
    Rows result;
    g_autoptr(sqlite3_stmt) stmt = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr) != SQLITE_OK)
      return {std::string("error: ") + sqlite3_errmsg(db)};
    int step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const unsigned char *text = sqlite3_column_text(stmt, i);
        row += i > 0 ? "|" : "";
        row += text != nullptr ? reinterpret_cast<const char *>(text) : "-";
      }
      result.push_back(row);
    }
    if (step != SQLITE_DONE)
      return {std::string("error: ") + sqlite3_errmsg(db)};
    return result;
  }

  // How a query reaches the table: the plan's idxStr.
  std::string plan(const char *sql)
  {
    std::string text = ask((std::string("EXPLAIN QUERY PLAN ") + sql).c_str())[0];
    const std::string mark = "VIRTUAL TABLE INDEX 0:";
    EXPECT_NE(text.find(mark), std::string::npos) << text;
    return text.substr(text.find(mark) + mark.size());
  }

  TableStore *store = nullptr;
  sqlite3 *db = nullptr;
};

TEST_F(SqliteModule, Queries)
{
  const struct {
    const char *sql;
    Rows rows;
  } cases[] = {
      {"SELECT count(*) FROM watchdog_events", {"6"}},
      {"SELECT eid, time, event, measured FROM watchdog_events WHERE eid = 2",
       {"2|200|process_exited|-"}},
      {"SELECT eid FROM watchdog_events WHERE eid IN (1, 5, 9)", {"1", "5"}},
      {"SELECT eid FROM watchdog_events WHERE event = 'process_exited' AND time > 200", {"4", "6"}},
      {"SELECT eid FROM watchdog_events WHERE event = 'PROCESS_EXITED'", {}},
      {"SELECT eid FROM watchdog_events WHERE event = 'PROCESS_EXITED' COLLATE NOCASE",
       {"2", "4", "6"}},
      {"SELECT eid FROM watchdog_events WHERE event LIKE '%exited' ORDER BY eid DESC LIMIT 1",
       {"6"}},
      {"SELECT eid FROM watchdog_events WHERE eid > 4.5", {"5", "6"}},
      {"SELECT eid FROM watchdog_events WHERE eid > '4'", {"5", "6"}},
      {"SELECT eid FROM watchdog_events WHERE eid > NULL", {}},
      {"SELECT eid FROM watchdog_events WHERE eid < 'x' AND eid > 5", {"6"}},
      {"SELECT eid FROM watchdog_events WHERE pid = 42 AND eid < 2", {"1"}},
      {"SELECT eid FROM watchdog_events WHERE pid = 43", {}},
      {"SELECT max(eid) - min(eid) FROM watchdog_events", {"5"}},
      {"SELECT a.eid, b.eid FROM watchdog_events a JOIN watchdog_events b ON b.eid = a.eid + 1"
       " WHERE a.eid > 4",
       {"5|6"}},
      {"SELECT a.eid, b.eid FROM watchdog_events a LEFT JOIN watchdog_events b ON b.eid = "
       "a.cause_eid"
       " WHERE a.eid > 4",
       {"5|-", "6|-"}},
      {"SELECT typeof(eid), typeof(event), typeof(utilization) FROM watchdog_events WHERE eid = 1",
       {"integer|text|null"}},
      {"SELECT name FROM watchdog_processes", {}},
  };
  for (const auto &c : cases)
    EXPECT_EQ(ask(c.sql), c.rows) << c.sql;
}

TEST_F(SqliteModule, ConstraintsReachTheStore)
{
  const struct {
    const char *sql;
    const char *index; // columns used in hex, then column:operator
  } cases[] = {
      {"SELECT count(*) FROM watchdog_events", "0"},
      {"SELECT eid FROM watchdog_events", "1"},
      {"SELECT eid FROM watchdog_events WHERE eid > 5", "1 0:4"},
      {"SELECT event FROM watchdog_events WHERE time >= 5 AND event = 'x'", "a 1:32 3:2"},
      {"SELECT eid FROM watchdog_events WHERE eid IN (1, 2)", "1 0:2"},
      {"SELECT eid FROM watchdog_events WHERE event = 'x' COLLATE NOCASE", "9"},
      {"SELECT eid FROM watchdog_events WHERE event > 'x'", "9"},
      {"SELECT eid FROM watchdog_events WHERE pid = 1", "81"},
      {"SELECT pid FROM watchdog_processes WHERE pid = 1", "8 3:2"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(plan(c.sql), c.index) << c.sql;
}

TEST_F(SqliteModule, FailuresAreSqlErrors)
{
  ASSERT_TRUE(g_file_set_contents(path("status.db").c_str(), "text, not a database", -1, nullptr));
  EXPECT_EQ(ask("SELECT * FROM watchdog_processes"),
            Rows{"error: " + path("status.db") + ": file is not a database"});
  EXPECT_EQ(ask("SELECT count(*) FROM watchdog_events"), Rows{"6"});
}

// A join by a column that is mostly NULL must not read everything each time.
TEST_F(SqliteModule, NothingIsReadForNull)
{
  ASSERT_TRUE(g_file_set_contents(path("status.db").c_str(), "text, not a database", -1, nullptr));
  EXPECT_EQ(
      ask("SELECT p.pid FROM watchdog_events e JOIN watchdog_processes p ON p.pid = e.cause_eid"),
      Rows{});
}

TEST_F(SqliteModule, TablesCannotBeWritten)
{
  EXPECT_EQ(ask("DELETE FROM watchdog_events"),
            Rows{"error: table watchdog_events may not be modified"});
}

} // namespace
