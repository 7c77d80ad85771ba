#include "tables/cursor.h"

#include "tests/unit/store-fixture.h"
#include "tests/unit/table-rows.h"

#include "tables/definitions.h"
#include "tables/source.h"
#include "watchdog/core/kernel/proc-stat.h"
#include "watchdog/store/status.h"

#include <algorithm>

namespace
{

class Tables : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    store = table_store_new(directory.c_str(), directory.c_str());
  }

  void TearDown() override
  {
    table_store_free(store);
    StoreTest::TearDown();
  }

  Rows ask(const char *table_name, const std::vector<std::string> &columns,
           TableQuery *query = nullptr)
  {
    return ask_table(store, table_definition_find(table_name), columns, query);
  }

  // Three events of the times 100, 200, 300; the second one is another kind.
  void write_events()
  {
    g_autoptr(WdHistory) history = open_history(path("history.db"), run("a"));
    append(history, 1, WD_EVENT_PROCESS_STARTED, 100);
    append(history, 2, WD_EVENT_PROCESS_EXITED, 200);
    append(history, 3, WD_EVENT_PROCESS_STARTED, 300);
  }

  void write_watchdog(WdState state, gint64 pid, gint64 start_ticks, gint64 last_check_us)
  {
    g_autoptr(WdStatus) status = wd_status_open(path("status.db").c_str(), nullptr);
    ASSERT_NE(status, nullptr);
    WdProcessStatus *rows[] = {wd_process_status_new(WD_ROLE_WATCHDOG, "watchdog", "/w"),
                               wd_process_status_new(WD_ROLE_WORKER, "worker", "/o")};
    for (WdProcessStatus *row : rows) {
      row->state = state;
      row->pid = pid;
      row->start_ticks = start_ticks;
      row->last_check_us = last_check_us;
      row->utilization = 2.5;
      row->regular_check_us = ++checks;
      row->last_check_time_s = 1000 + checks;
      row->memory_limit_bytes = G_GINT64_CONSTANT(10485760000);
    }
    EXPECT_TRUE(wd_status_write(status, rows, 2, WD_NONE, nullptr));
    for (WdProcessStatus *row : rows)
      wd_process_status_free(row);
  }

  TableStore *store = nullptr;
  gint64 checks = 0;
};

TEST_F(Tables, Definitions)
{
  guint n;
  const WdTable *const *definitions = table_definitions(&n);
  ASSERT_EQ(n, 5u);
  EXPECT_EQ(definitions[0], table_definition_find("watchdog_processes"));
  EXPECT_EQ(definitions[1], table_definition_find("watchdog_events"));
  EXPECT_EQ(definitions[2], table_definition_find("watchdog_samples"));
  EXPECT_EQ(definitions[3], table_definition_find("watchdog_terminations"));
  EXPECT_EQ(definitions[4], table_definition_find("watchdog_settings"));
  EXPECT_EQ(table_definition_find("processes"), nullptr);
  EXPECT_EQ(definitions[0]->n_columns, 32u);
  EXPECT_EQ(definitions[1]->n_columns, 34u);
  EXPECT_EQ(definitions[2]->n_columns, 8u);
  EXPECT_EQ(definitions[3]->n_columns, 27u);
  EXPECT_EQ(definitions[4]->n_columns, 3u);
}

// Before its writer brings it up to date, and after that.
TEST_F(Tables, AnOlderHistoryIsRead)
{
  execute(path("history.db"),
          (std::string(HISTORY_1) +
           "INSERT INTO run VALUES(0, 'old', 'boot-1', 7, 0);"
           "INSERT INTO events(eid, time, run_id, event, role, name, measured, message)"
           " VALUES(1, 100, 'old', 'watchdog_stopped', 'watchdog', 'watchdog', 5, 'stopped')")
              .c_str());
  const std::vector<std::string> columns = {"eid", "event", "measured", "peak", "message"};
  EXPECT_EQ(ask("watchdog_events", columns), Rows{"1|watchdog_stopped|5|-|stopped"});
  g_autoptr(WdHistory) history = open_history(path("history.db"), run("new"));
  g_autoptr(WdEvent) event = new_event(1, WD_EVENT_PROCESS_EXITED);
  event->peak_bytes = 70;
  ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
  EXPECT_EQ(ask("watchdog_events", columns),
            (Rows{"1|watchdog_stopped|5|-|stopped", "2|process_exited|-|70|-"}));
}

// What an older watchdog that still runs has written.
TEST_F(Tables, ATableThatAnOlderFileLacksIsEmpty)
{
  execute(path("history.db"), HISTORY_2.c_str());
  write_watchdog(WD_STATE_RUNNING, 5, WD_NONE, WD_NONE);
  execute(path("status.db"), "DROP TABLE settings; PRAGMA user_version=3");
  EXPECT_EQ(ask("watchdog_terminations", {"eid"}), Rows{});
  EXPECT_EQ(ask("watchdog_settings", {"name"}), Rows{});
  {
    g_autoptr(WdStatus) status = wd_status_open(path("status.db").c_str(), nullptr);
    g_autoptr(WdSetting) setting = wd_setting_new("a", "1", "argv");
    ASSERT_TRUE(wd_status_write_settings(status, &setting, 1, nullptr));
    g_autoptr(WdHistory) history = open_history(path("history.db"), run("b"));
    append(history, 1, WD_EVENT_PROCESS_EXITED);
  }
  EXPECT_EQ(ask("watchdog_terminations", {"eid"}), Rows{"1"});
  EXPECT_EQ(ask("watchdog_settings", {"name", "value", "source"}), Rows{"a|1|argv"});
}

TEST_F(Tables, Options)
{
  const struct {
    const char *table;
    const char *column;
    int options;
  } special[] = {
      {"watchdog_processes", "pid", WD_OPTION_INDEX},
      {"watchdog_events", "eid", WD_OPTION_INDEX | WD_OPTION_OPTIMIZED},
      {"watchdog_events", "time", WD_OPTION_ADDITIONAL},
      {"watchdog_events", "event", WD_OPTION_ADDITIONAL},
      {"watchdog_samples", "time", WD_OPTION_ADDITIONAL},
      {"watchdog_terminations", "time", WD_OPTION_ADDITIONAL},
      {"watchdog_terminations", "pid", WD_OPTION_INDEX},
      {"watchdog_terminations", "reason", WD_OPTION_ADDITIONAL},
      {"watchdog_terminations", "eid", WD_OPTION_INDEX | WD_OPTION_OPTIMIZED},
  };
  guint n;
  const WdTable *const *definitions = table_definitions(&n);
  for (guint t = 0; t < n; t++)
    for (guint i = 0; i < definitions[t]->n_columns; i++) {
      int expected = WD_OPTION_NONE;
      for (const auto &s : special)
        if (g_str_equal(s.table, definitions[t]->name) &&
            g_str_equal(s.column, definitions[t]->columns[i].name))
          expected = s.options;
      EXPECT_EQ(definitions[t]->columns[i].options, expected) << definitions[t]->columns[i].name;
    }
}

TEST_F(Tables, CreateStatement)
{
  g_autofree char *sql = table_create_statement(table_definition_find("watchdog_events"));
  EXPECT_EQ(
      std::string(sql).find("CREATE TABLE watchdog_events(eid BIGINT, time BIGINT, run_id TEXT,"),
      0u);
  EXPECT_NE(std::string(sql).find(", utilization DOUBLE, utilization_limit INTEGER,"),
            std::string::npos);
  EXPECT_NE(std::string(sql).find(", message TEXT)"), std::string::npos);
}

// The store's columns and the tables' are the same and of the same types; SQLite knows no types of
// a view's. Migrations add theirs at the end, the definitions where they belong.
TEST_F(Tables, TheStoreHasWhatTheDefinitionsSay)
{
  write_events();
  write_watchdog(WD_STATE_RUNNING, 1, 1, 1);
  for (const TableSource &source : table_sources) {
    const bool view = source.table->columns[0].value == WD_VALUE_DERIVED;
    std::string sql = std::string("SELECT name, ") + (view ? "''" : "type") +
                      " FROM pragma_table_info('" + source.table->stored +
                      "') WHERE name NOT IN ('id', 'start_ticks', 'last_check_us')";
    Rows stored = rows(path(source.file), sql.c_str());
    Rows defined;
    for (guint i = 0; i < source.table->n_columns; i++) {
      const WdColumn &c = source.table->columns[i];
      const char *type = view                       ? ""
                         : c.type == WD_TYPE_TEXT   ? "TEXT"
                         : c.type == WD_TYPE_DOUBLE ? "REAL"
                                                    : "INTEGER";
      defined.push_back(std::string(c.name) + "|" + type);
    }
    std::sort(stored.begin(), stored.end());
    std::sort(defined.begin(), defined.end());
    EXPECT_EQ(stored, defined);
  }
}

TEST_F(Tables, MissingFilesAreEmptyTables)
{
  EXPECT_EQ(ask("watchdog_events", {"eid"}), Rows{});
  EXPECT_EQ(ask("watchdog_processes", {"name"}), Rows{});
}

TEST_F(Tables, FilesThatCannotBeUsedAreErrors)
{
  ASSERT_TRUE(g_file_set_contents(path("history.db").c_str(), "text, not a database", -1, nullptr));
  EXPECT_EQ(ask("watchdog_events", {"eid"}),
            Rows{"error: " + path("history.db") + ": file is not a database"});
  EXPECT_EQ(ask("watchdog_processes", {"name"}), Rows{});
}

TEST_F(Tables, FilesAreFoundWhenTheyComeAndWhenTheyAreReplaced)
{
  EXPECT_EQ(ask("watchdog_events", {"eid"}), Rows{});
  write_events();
  EXPECT_EQ(ask("watchdog_events", {"eid"}), (Rows{"1", "2", "3"}));
  for (const char *suffix : {"", "-wal", "-shm"})
    ASSERT_EQ(unlink((path("history.db") + suffix).c_str()), 0);
  EXPECT_EQ(ask("watchdog_events", {"eid"}), Rows{});
  {
    g_autoptr(WdHistory) history = open_history(path("history.db"), run("b"));
    append(history, 7, WD_EVENT_WATCHDOG_STARTED);
  }
  EXPECT_EQ(ask("watchdog_events", {"eid"}), Rows{"7"});
}

TEST_F(Tables, WhatIsWrittenAfterReadingWithoutALogIsSeen)
{
  {
    g_autoptr(WdHistory) history = open_history(path("history.db"), run("a"));
    append(history, 1, WD_EVENT_WATCHDOG_STOPPED);
  }
  ASSERT_EQ(unlink((path("history.db") + "-wal").c_str()), 0);
  ASSERT_EQ(unlink((path("history.db") + "-shm").c_str()), 0);
  EXPECT_EQ(ask("watchdog_events", {"eid"}), Rows{"1"});
  g_autoptr(WdHistory) history = open_history(path("history.db"), run("b"));
  append(history, 1, WD_EVENT_WATCHDOG_STARTED);
  EXPECT_EQ(ask("watchdog_events", {"eid"}), (Rows{"1", "2"}));
}

TEST_F(Tables, ACursorOutlivesTheReplacementOfItsFile)
{
  write_events();
  const WdTable *table = table_definition_find("watchdog_events");
  g_autoptr(TableQuery) query = table_query_new();
  g_autoptr(TableCursor) cursor = table_cursor_open(store, table, query, nullptr);
  ASSERT_EQ(table_cursor_next(cursor, nullptr), TABLE_ROW);
  for (const char *suffix : {"", "-wal", "-shm"})
    ASSERT_EQ(unlink((path("history.db") + suffix).c_str()), 0);
  EXPECT_EQ(ask("watchdog_events", {"eid"}), Rows{});
  ASSERT_EQ(table_cursor_next(cursor, nullptr), TABLE_ROW);
  EXPECT_EQ(table_cursor_int64(cursor, 0), 2);
}

TEST_F(Tables, NewEventsAreSeen)
{
  g_autoptr(WdHistory) history = open_history(path("history.db"), run("a"));
  append(history, 1, WD_EVENT_WATCHDOG_STARTED);
  EXPECT_EQ(ask("watchdog_events", {"eid"}), Rows{"1"});
  append(history, 2, WD_EVENT_WATCHDOG_STOPPED);
  EXPECT_EQ(ask("watchdog_events", {"eid", "event"}),
            (Rows{"1|watchdog_started", "2|watchdog_stopped"}));
}

TEST_F(Tables, Constraints)
{
  write_events();
  const WdTable *table = table_definition_find("watchdog_events");
  struct Asked {
    const char *column;
    TableOperator op;
    const char *value;
  };
  const struct {
    std::vector<Asked> asked;
    Rows eids;
  } cases[] = {
      {{{"eid", TABLE_OP_GT, "1"}}, {"2", "3"}},
      {{{"eid", TABLE_OP_EQ, "3"}, {"eid", TABLE_OP_EQ, "1"}, {"eid", TABLE_OP_EQ, "9"}},
       {"1", "3"}},
      {{{"time", TABLE_OP_GE, "200"}}, {"2", "3"}},
      {{{"time", TABLE_OP_LT, "200.5"}}, {"1", "2"}},
      {{{"event", TABLE_OP_EQ, "process_started"}}, {"1", "3"}},
      {{{"event", TABLE_OP_EQ, "process_started"}, {"event", TABLE_OP_EQ, "process_exited"}},
       {"1", "2", "3"}},
      {{{"event", TABLE_OP_EQ, "process_started"}, {"time", TABLE_OP_GT, "100"}}, {"3"}},
      {{{"event", TABLE_OP_EQ, "process_started"}, {"eid", TABLE_OP_LE, "2"}}, {"1"}},
      {{{"event", TABLE_OP_EQ, "' OR 1=1 --"}}, {}},
      {{{"name", TABLE_OP_EQ, "nobody"}}, {"1", "2", "3"}}, // the asker filters
  };
  for (const auto &c : cases) {
    g_autoptr(TableQuery) query = table_query_new();
    std::string what;
    for (const Asked &a : c.asked) {
      table_query_add(query, table_column(table, a.column), a.op, a.value);
      what += std::string(a.column) + " " + std::to_string(a.op) + " " + a.value + "; ";
    }
    EXPECT_EQ(ask("watchdog_events", {"eid"}, query), c.eids) << what;
  }
}

// Whatever the text of a value, no row is missing that SQLite would find with it.
TEST_F(Tables, ConstraintsNeverLoseRows)
{
  {
    g_autoptr(WdHistory) history = open_history(path("history.db"), run("a"));
    for (guint64 seq = 1; seq <= 20; seq++)
      append(history, seq, WD_EVENT_PROCESS_STARTED, static_cast<gint64>(seq) - 10);
  }
  const WdTable *table = table_definition_find("watchdog_events");
  const TableOperator ops[] = {TABLE_OP_EQ, TABLE_OP_GT, TABLE_OP_LE, TABLE_OP_LT, TABLE_OP_GE};
  const char *names[] = {"=", ">", "<=", "<", ">="};
  const char *values[] = {"5",
                          "-5",
                          "+5",
                          "05",
                          " 5",
                          "5 ",
                          "5.",
                          "5.0",
                          "4.9",
                          "5.1",
                          "-5.5",
                          ".5",
                          "5e0",
                          "0.5e1",
                          "0x5",
                          "5x",
                          "",
                          "abc",
                          "1e99",
                          "-1e9",
                          "nan",
                          "inf",
                          "5.e0",
                          "1_0",
                          "5,0",
                          "0b1",
                          "9223372036854775807",
                          "9223372036854775808",
                          "4.99999999999999999",
                          "5.00000000000000001",
                          "-9223372036854775808"};
  for (const char *name : {"eid", "time"})
    for (gsize o = 0; o < G_N_ELEMENTS(ops); o++)
      for (const char *value : values) {
        std::string where = std::string(name) + " " + names[o] + " '" + value + "'";
        Rows right = rows(path("history.db"), ("SELECT eid FROM events WHERE " + where).c_str());
        g_autoptr(TableQuery) query = table_query_new();
        table_query_add(query, table_column(table, name), ops[o], value);
        Rows found = ask("watchdog_events", {"eid"}, query);
        for (const std::string &eid : right)
          EXPECT_NE(std::find(found.begin(), found.end(), eid), found.end()) << where << " " << eid;
      }
}

TEST_F(Tables, UnusedColumnsAreNull)
{
  write_events();
  g_autoptr(TableQuery) query = table_query_new();
  query->columns_used = 0b10;
  EXPECT_EQ(ask("watchdog_events", {"eid", "time", "event"}, query),
            (Rows{"-|100|-", "-|200|-", "-|300|-"}));
  query->columns_used = 0;
  EXPECT_EQ(ask("watchdog_events", {"eid", "time"}, query), (Rows{"-|-", "-|-", "-|-"}));
}

TEST_F(Tables, TextIsMadeValid)
{
  write_events();
  execute(path("history.db"), "UPDATE events SET message = CAST(x'61006201ff63' AS TEXT),"
                              " details = 'fine' WHERE eid = 1");
  EXPECT_EQ(ask("watchdog_events", {"message", "details"})[0], "a\xef\xbf\xbd"
                                                               "b\x01\xef\xbf\xbd"
                                                               "c|fine");
}

TEST_F(Tables, NumbersAsNumbers)
{
  write_watchdog(WD_STATE_RUNNING, 1, WD_NONE, WD_NONE);
  const WdTable *table = table_definition_find("watchdog_processes");
  g_autoptr(TableQuery) query = table_query_new();
  g_autoptr(TableCursor) cursor = table_cursor_open(store, table, query, nullptr);
  ASSERT_EQ(table_cursor_next(cursor, nullptr), TABLE_ROW);
  EXPECT_EQ(table_cursor_int64(cursor, table_column(table, "memory_limit")),
            G_GINT64_CONSTANT(10485760000));
  EXPECT_EQ(table_cursor_double(cursor, table_column(table, "utilization")), 2.5);
  EXPECT_TRUE(table_cursor_is_null(cursor, table_column(table, "last_eid")));
}

TEST_F(Tables, OnlyTheWatchdogBecomesUnresponsive)
{
  g_autofree char *text = nullptr;
  gsize length;
  WdProcStat self;
  ASSERT_TRUE(g_file_get_contents("/proc/self/stat", &text, &length, nullptr));
  ASSERT_TRUE(wd_proc_stat_parse(text, length, &self));
  gint64 now = g_get_monotonic_time();
  const struct {
    WdState state;
    gint64 start_ticks;
    gint64 last_check_us;
    Rows states;
  } cases[] = {
      {WD_STATE_RUNNING, self.start_ticks, now, {"running", "running"}},
      {WD_STATE_RUNNING, self.start_ticks, WD_NONE, {"running", "running"}},
      {WD_STATE_RUNNING, self.start_ticks + 1, now, {"unresponsive", "running"}},
      {WD_STATE_RUNNING, self.start_ticks, now + 600 * G_USEC_PER_SEC, {"unresponsive", "running"}},
      {WD_STATE_STOPPED, self.start_ticks + 1, now, {"stopped", "stopped"}},
  };
  for (const auto &c : cases) {
    write_watchdog(c.state, getpid(), c.start_ticks, c.last_check_us);
    EXPECT_EQ(ask("watchdog_processes", {"state"}), c.states);
  }
}

TEST_F(Tables, ProcessesByPid)
{
  write_watchdog(WD_STATE_STOPPED, 5, WD_NONE, WD_NONE);
  const WdTable *table = table_definition_find("watchdog_processes");
  g_autoptr(TableQuery) five = table_query_new();
  table_query_add(five, table_column(table, "pid"), TABLE_OP_EQ, "5");
  EXPECT_EQ(ask("watchdog_processes", {"name"}, five), (Rows{"watchdog", "worker"}));
  g_autoptr(TableQuery) six = table_query_new();
  table_query_add(six, table_column(table, "pid"), TABLE_OP_EQ, "6");
  EXPECT_EQ(ask("watchdog_processes", {"name"}, six), Rows{});
}

TEST_F(Tables, SamplesByTime)
{
  EXPECT_EQ(ask("watchdog_samples", {"time"}), Rows{}); // no file yet
  write_watchdog(WD_STATE_RUNNING, 5, WD_NONE, WD_NONE);
  write_watchdog(WD_STATE_RUNNING, 6, WD_NONE, WD_NONE);
  EXPECT_EQ(ask("watchdog_samples", {"time", "name", "pid", "utilization", "memory_limit"}),
            (Rows{"1001|watchdog|5|2.5|10485760000", "1002|worker|5|2.5|10485760000",
                  "1003|watchdog|6|2.5|10485760000", "1004|worker|6|2.5|10485760000"}));
  const WdTable *table = table_definition_find("watchdog_samples");
  g_autoptr(TableQuery) query = table_query_new();
  table_query_add(query, table_column(table, "time"), TABLE_OP_GT, "1001");
  table_query_add(query, table_column(table, "time"), TABLE_OP_LE, "1003");
  EXPECT_EQ(ask("watchdog_samples", {"time"}, query), (Rows{"1002", "1003"}));
}

TEST_F(Tables, PathsAreAbsolute)
{
  g_autoptr(TableStore) relative = table_store_new("a", "/b/");
  g_autofree char *here = g_get_current_dir();
  EXPECT_EQ(table_store_path(relative, table_definition_find("watchdog_events")),
            std::string(here) + "/a/history.db");
  EXPECT_STREQ(table_store_path(relative, table_definition_find("watchdog_processes")),
               "/b/status.db");
}

} // namespace
