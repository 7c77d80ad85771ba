#include "tables/select.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tables/definitions.h"

namespace
{

struct Asked {
  const char *column;
  int op;
  const char *value;
};

const TableSource &
source(const char *table)
{
  return table_sources[table_source_index(table_definition_find(table))];
}

guint
column_index(const WdTable &table, const char *name)
{
  for (guint i = 0; i < table.n_columns; i++)
    if (g_str_equal(table.columns[i].name, name))
      return i;
  ADD_FAILURE() << "no column " << name;
  return 0;
}

TableSelect *
select(const char *table, const std::vector<Asked> &asked, const char *column = "name")
{
  const TableSource &from = source(table);
  g_autoptr(TableQuery) query = table_query_new();
  query->columns_used = guint64{1} << column_index(*from.table, column);
  for (const Asked &a : asked)
    table_query_add(query, column_index(*from.table, a.column), static_cast<TableOperator>(a.op),
                    a.value);
  TableSelect *result = table_select_new(&from, query, G_MAXUINT64);
  // The texts are the query's and go with it: only numbers are looked at after this.
  return result;
}

TEST(Select, Sql)
{
  const struct {
    std::vector<Asked> asked;
    const char *sql;
  } cases[] = {
      {{}, "SELECT name FROM events WHERE TRUE ORDER BY eid"},
      {{{"eid", TABLE_OP_GT, "5"}}, "SELECT name FROM events WHERE TRUE AND eid > ? ORDER BY eid"},
      {{{"eid", TABLE_OP_EQ, "5"}, {"eid", TABLE_OP_EQ, "6"}, {"eid", TABLE_OP_LE, "9"}},
       "SELECT name FROM events WHERE TRUE AND eid IN (?, ?) AND eid <= ? ORDER BY eid"},
      {{{"time", TABLE_OP_GE, "5"}, {"time", TABLE_OP_LT, "6"}},
       "SELECT name FROM events WHERE eid IN (SELECT eid FROM events WHERE TRUE AND time >= ?"
       " AND time < ?) ORDER BY eid"},
      {{{"event", TABLE_OP_EQ, "x"}, {"time", TABLE_OP_GT, "5"}},
       "SELECT name FROM events WHERE eid IN (SELECT eid FROM events WHERE TRUE AND time > ?"
       " AND event IN (?)) ORDER BY eid"},
      {{{"event", TABLE_OP_EQ, "x"}, {"eid", TABLE_OP_GT, "5"}, {"time", TABLE_OP_GT, "6"}},
       "SELECT name FROM events WHERE TRUE AND eid > ? AND +time > ? AND +event IN (?)"
       " ORDER BY eid"},
      // What can't be made use of is left out.
      {{{"pid", TABLE_OP_EQ, "5"}}, "SELECT name FROM events WHERE TRUE ORDER BY eid"},
      {{{"event", TABLE_OP_GT, "x"}}, "SELECT name FROM events WHERE TRUE ORDER BY eid"},
      {{{"eid", TABLE_OP_GT, "x"}}, "SELECT name FROM events WHERE TRUE ORDER BY eid"},
      {{{"eid", TABLE_OP_EQ, "5"}, {"eid", TABLE_OP_EQ, "6.0"}},
       "SELECT name FROM events WHERE TRUE ORDER BY eid"},
      {{{"eid", 64, "5"}}, "SELECT name FROM events WHERE TRUE ORDER BY eid"},
      {{{"eid", 0, "5"}}, "SELECT name FROM events WHERE TRUE ORDER BY eid"},
      {{{"eid", TABLE_OP_EQ, nullptr}}, "SELECT name FROM events WHERE TRUE ORDER BY eid"},
  };
  for (const auto &c : cases) {
    g_autoptr(TableSelect) result = select("watchdog_events", c.asked);
    EXPECT_STREQ(result->sql, c.sql);
  }
}

TEST(Select, TheKeyOfProcessesIsNoColumn)
{
  g_autoptr(TableSelect) result = select("watchdog_processes", {{"pid", TABLE_OP_EQ, "5"}});
  EXPECT_STREQ(result->sql, "SELECT name FROM processes WHERE id IN (SELECT id FROM processes WHERE"
                            " TRUE AND pid IN (?)) ORDER BY id");
}

TEST(Select, Numbers)
{
  const struct {
    int op;
    const char *text;
    bool passed;
    gint64 number;
  } cases[] = {
      {TABLE_OP_GT, "0", true, 0},
      {TABLE_OP_GT, "-7", true, -7},
      {TABLE_OP_GT, "007", true, 7},
      {TABLE_OP_EQ, "9223372036854775807", true, G_MAXINT64},
      {TABLE_OP_GT, "9223372036854775808", false, 0},
      // Fractions are widened, never narrowed.
      {TABLE_OP_GT, "41.5", true, 40},
      {TABLE_OP_GE, "42.0", true, 41},
      {TABLE_OP_LT, "41.5", true, 43},
      {TABLE_OP_LE, "-41.5", true, -40},
      {TABLE_OP_LE, "1.5e+3", true, 1501},
      {TABLE_OP_EQ, "41.5", false, 0},
      {TABLE_OP_GT, "1e15", false, 0},
      {TABLE_OP_GT, "1e999", false, 0},
      // SQLite takes these for text, or might.
      {TABLE_OP_GT, "", false, 0},
      {TABLE_OP_GT, " 5", false, 0},
      {TABLE_OP_GT, "5 ", false, 0},
      {TABLE_OP_GT, "0x10", false, 0},
      {TABLE_OP_GT, "nan", false, 0},
      {TABLE_OP_GT, "inf", false, 0},
      {TABLE_OP_GT, ".5", false, 0},
      {TABLE_OP_GT, "5.", false, 0},
      {TABLE_OP_GT, "1-5", false, 0},
      {TABLE_OP_GT, "5; DROP TABLE events", false, 0},
  };
  for (const auto &c : cases) {
    g_autoptr(TableSelect) result = select("watchdog_events", {{"eid", c.op, c.text}});
    ASSERT_EQ(result->values->len, c.passed ? 1u : 0u) << c.text;
    if (c.passed) {
      EXPECT_EQ(g_array_index(result->values, TableValue, 0).number, c.number) << c.text;
    }
  }
}

TEST(Select, TooManyEqualitiesAreLeftOut)
{
  std::vector<Asked> asked(1000, {"eid", TABLE_OP_EQ, "5"});
  g_autoptr(TableSelect) most = select("watchdog_events", asked);
  EXPECT_EQ(most->values->len, 1000u);
  asked.push_back({"eid", TABLE_OP_EQ, "5"});
  g_autoptr(TableSelect) too_many = select("watchdog_events", asked);
  EXPECT_STREQ(too_many->sql, "SELECT name FROM events WHERE TRUE ORDER BY eid");
}

TEST(Select, OnlyUsedColumnsAreRead)
{
  const TableSource &from = source("watchdog_events");
  g_autoptr(TableQuery) query = table_query_new();
  query->columns_used = 0;
  g_autoptr(TableSelect) none = table_select_new(&from, query, G_MAXUINT64);
  EXPECT_STREQ(none->sql, "SELECT NULL FROM events WHERE TRUE ORDER BY eid");
  EXPECT_EQ(none->results[0], -1);

  query->columns_used = 0b1001;
  g_autoptr(TableSelect) two = table_select_new(&from, query, G_MAXUINT64);
  EXPECT_STREQ(two->sql, "SELECT eid, event FROM events WHERE TRUE ORDER BY eid");
  EXPECT_EQ(two->results[0], 0);
  EXPECT_EQ(two->results[1], -1);
  EXPECT_EQ(two->results[3], 1);
}

// Of a file of an older version.
TEST(Select, AMissingColumnIsNull)
{
  const TableSource &from = source("watchdog_events");
  g_autoptr(TableQuery) query = table_query_new();
  query->columns_used = 0b1101;
  g_autoptr(TableSelect) select = table_select_new(&from, query, ~guint64{0b100});
  EXPECT_STREQ(select->sql, "SELECT eid, NULL, event FROM events WHERE TRUE ORDER BY eid");
  EXPECT_EQ(select->results[2], 1);
  EXPECT_EQ(select->results[3], 2);
}

} // namespace
