// watchdog_terminations: which ends it has, what is joined to them, and what reading it costs.
#include "tests/unit/store-fixture.h"
#include "tests/unit/table-rows.h"

#include "tables/cursor.h"
#include "tables/definitions.h"
#include "tables/select.h"

namespace
{

class Terminations : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    file = path("history.db");
    history = open_history(file, run("a"));
    store = table_store_new(directory.c_str(), directory.c_str());
    table = table_definition_find("watchdog_terminations");
  }

  void TearDown() override
  {
    table_store_free(store);
    wd_history_free(history);
    StoreTest::TearDown();
  }

  // Rows "(eid, time, run_id, event, role, name, reason, …)" with the columns @more.
  void insert(const std::string &more, const std::string &values)
  {
    execute(file, ("INSERT INTO events(eid, time, run_id, event, role, name, reason" + more +
                   ") VALUES" + values)
                      .c_str());
  }

  Rows ask(const std::vector<std::string> &columns)
  {
    return ask_table(store, table, columns);
  }

  // What SQLite does for @query, a line a step.
  std::string plan(const TableQuery *query)
  {
    const TableSource &source = table_sources[table_source_index(table)];
    g_autoptr(TableSelect) select = table_select_new(&source, query, G_MAXUINT64);
    std::string result;
    for (const std::string &row :
         rows(file, (std::string("EXPLAIN QUERY PLAN ") + select->sql).c_str()))
      result += row.substr(row.rfind('|') + 1) + "\n";
    return result;
  }

  std::string file;
  WdHistory *history = nullptr;
  TableStore *store = nullptr;
  const WdTable *table = nullptr;
};

TEST_F(Terminations, WhichEnds)
{
  insert("", "(1, 0, 'a', 'process_exited', 'worker', 'worker', 'signal'),"
             "(2, 0, 'a', 'process_exited', 'worker', 'worker', 'request'),"
             "(3, 0, 'a', 'process_exited', 'extension', 'a.ext', 'worker_gone'),"
             "(4, 0, 'a', 'process_exited', 'extension', 'a.ext', 'settings'),"
             "(5, 0, 'a', 'process_terminated', 'worker', 'worker', 'memory'),"
             "(6, 0, 'a', 'process_terminated', 'worker', 'worker', 'request'),"
             "(7, 0, 'a', 'process_terminated', 'extension', 'a.ext', 'settings'),"
             "(8, 0, 'a', 'process_terminated', 'extension', 'a.ext', 'registration'),"
             "(9, 0, 'a', 'process_terminated', 'worker', 'worker', NULL),"
             "(10, 0, 'a', 'limit_exceeded', 'worker', 'worker', 'memory'),"
             "(11, 0, 'a', 'limit_exceeded', 'watchdog', 'watchdog', 'memory'),"
             "(12, 0, 'a', 'process_exited', 'watchdog', 'watchdog', 'exit'),"
             "(13, 0, 'a', 'spawn_failed', 'worker', 'worker', 'spawn')");
  EXPECT_EQ(ask({"eid", "reason"}),
            (Rows{"1|signal", "3|worker_gone", "5|memory", "8|registration", "9|-"}));
}

TEST_F(Terminations, WhatAnEventSaysIsThere)
{
  g_autoptr(WdEvent) event = new_event(1, WD_EVENT_PROCESS_TERMINATED, 500, 77);
  event->reason = WD_REASON_CPU;
  event->measured = 1;
  event->limit_value = 2;
  event->unit = WD_UNIT_MS;
  event->peak_bytes = 3;
  event->sustained_s = 4;
  event->outcome = WD_OUTCOME_KILLED;
  event->exit_signal = 9;
  event->core_dumped = 0;
  event->signals_sent = WD_SIGNALS_KILL;
  event->duration_ms = 5;
  event->lifetime_ms = 6;
  event->origin = WD_ORIGIN_DISTRIBUTED;
  event->query_name = g_strdup("q1");
  event->query = g_strdup("SELECT 1");
  event->thread = g_strdup("DistributedRunn");
  event->last_output = g_strdup("out\n");
  ASSERT_TRUE(wd_history_append(history, &event, 1, nullptr));
  Rows columns;
  for (guint i = 0; i < table->n_columns; i++)
    columns.push_back(table->columns[i].name);
  EXPECT_EQ(
      ask(columns),
      Rows{"500|worker|worker|77|cpu|distributed|q1|SELECT 1|1|2|ms|3|4|KILL|killed|-|9|0|out\n"
           "|6|5|-|-|DistributedRunn|1|-|a"});
}

TEST_F(Terminations, Downtime)
{
  insert(", duration_ms", "(1, 100, 'a', 'process_exited', 'worker', 'worker', 'exit', NULL),"
                          "(2, 100, 'a', 'process_exited', 'extension', 'a.ext', 'exit', NULL),"
                          "(3, 109, 'a', 'process_started', 'extension', 'a.ext', NULL, 7),"
                          "(4, 109, 'a', 'process_started', 'worker', 'worker', NULL, 1234),"
                          "(5, 200, 'a', 'process_exited', 'worker', 'worker', 'exit', NULL),"
                          "(6, 203, 'b', 'process_started', 'worker', 'worker', NULL, NULL),"
                          "(7, 300, 'b', 'process_exited', 'worker', 'worker', 'exit', NULL),"
                          "(8, 290, 'c', 'process_started', 'worker', 'worker', NULL, NULL),"
                          "(9, 400, 'c', 'process_exited', 'worker', 'worker', 'exit', NULL),"
                          "(10, 402, 'c', 'process_started', 'worker', 'worker', NULL, NULL),"
                          "(11, 500, 'c', 'process_exited', 'worker', 'worker', 'exit', 5)");
  EXPECT_EQ(ask({"eid", "downtime_ms"}),
            (Rows{"1|1234", "2|7", "5|3000", "7|0", "9|2000", "11|-"}));
}

TEST_F(Terminations, WhatWasDenylistedNamesTheQueryWhereNothingElseDid)
{
  const struct {
    const char *what;
    const char *end;        // origin, query_name, query, details
    const char *denylisted; // query_name, query; or NULL
    const char *second;
    Rows row; // origin, query_name, query, denylisted
  } cases[] = {
      {"nothing", "NULL, NULL, NULL, NULL", nullptr, nullptr, {"-|-|-|-"}},
      {"one", "NULL, NULL, NULL, NULL", "'q', 'SQL'", nullptr, {"schedule|q|SQL|q"}},
      {"the schedule was seen",
       "'schedule', NULL, NULL, NULL",
       "'q', NULL",
       nullptr,
       {"schedule|q|-|q"}},
      {"two", "NULL, NULL, NULL, NULL", "'q', 'SQL'", "'r', 'SQL'", {"-|-|-|q, r"}},
      {"a live query was busy",
       "'distributed', 'L', 'LIVE', NULL",
       "'q', 'SQL'",
       nullptr,
       {"distributed|L|LIVE|q"}},
      {"a live query, of unknown name",
       "'distributed', NULL, NULL, NULL",
       "'q', 'SQL'",
       nullptr,
       {"distributed|-|-|q"}},
      {"a live query may have been",
       "NULL, NULL, NULL, "
       "'{\"said\":[{\"origin\":\"schedule\",\"name\":\"q\",\"ms\":1},"
       "{\"origin\":\"distributed\",\"name\":\"L\",\"ms\":1}]}'",
       "'q', 'SQL'",
       nullptr,
       {"-|-|-|q"}},
      {"its name was said, and not its SQL",
       "'schedule', 'q', NULL, NULL",
       "'q', 'SQL'",
       nullptr,
       {"schedule|q|SQL|q"}},
      {"of two, the name was said",
       "'schedule', 'q', NULL, NULL",
       "'r', 'OTHER'",
       "'q', 'SQL'",
       {"schedule|q|SQL|r, q"}},
      {"another name was said",
       "'schedule', 'x', NULL, NULL",
       "'q', 'SQL'",
       nullptr,
       {"schedule|x|-|q"}},
      {"all was said",
       "'schedule', 'q', 'SAID', NULL",
       "'q', 'SQL'",
       nullptr,
       {"schedule|q|SAID|q"}},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    execute(file, "DELETE FROM events");
    insert(", origin, query_name, query, details",
           std::string("(1, 0, 'a', 'process_exited', 'worker', 'worker', 'signal', ") + c.end +
               ")");
    for (const char *denylisted : {c.denylisted, c.second})
      if (denylisted != nullptr)
        insert(
            ", cause_eid, query_name, query",
            std::string("((SELECT max(eid) + 1 FROM events), 0, 'a', 'query_denylisted', 'worker',"
                        " 'worker', NULL, 1, ") +
                denylisted + ")");
    insert(", cause_eid, query_name", "(9, 0, 'a', 'query_denylisted', 'worker', 'worker', NULL, 7,"
                                      " 'of another end')");
    EXPECT_EQ(ask({"origin", "query_name", "query", "denylisted"}), c.row);
  }
}

TEST_F(Terminations, TextIsMadeValid)
{
  insert(", last_output, query_name", "(1, 0, 'a', 'process_exited', 'worker', 'worker', 'signal', "
                                      "CAST(x'61ff0062' AS TEXT), NULL)");
  insert(", cause_eid, query_name", "(2, 0, 'a', 'query_denylisted', 'worker', 'worker', NULL, 1,"
                                    " CAST(x'63fe' AS TEXT))");
  EXPECT_EQ(ask({"last_output", "denylisted"}), Rows{"a\xef\xbf\xbd\xef\xbf\xbd"
                                                     "b|c\xef\xbf\xbd"});
}

// By index, in order without a sort, and no look at all rows for each row.
TEST_F(Terminations, WhatReadingCosts)
{
  const struct {
    const char *column;
    TableOperator op;
    const char *first; // the step that finds the rows
  } cases[] = {
      {nullptr, TABLE_OP_EQ, "SCAN e USING INDEX events_ends\n"},
      {"eid", TABLE_OP_EQ, "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)\n"},
      {"eid", TABLE_OP_GT, "SEARCH e USING INDEX events_ends (eid>?)\n"},
      {"time", TABLE_OP_GT, "SEARCH e USING INDEX events_time (time>?)\n"},
      {"reason", TABLE_OP_EQ, "SCAN e USING INDEX events_ends"},
      {"pid", TABLE_OP_EQ, "SEARCH e USING INDEX events_ends_pid (pid=?)\n"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.column != nullptr ? c.column : "everything");
    g_autoptr(TableQuery) query = table_query_new();
    if (c.column != nullptr)
      table_query_add(query, table_column_index(table, c.column), c.op, "5");
    const std::string steps = plan(query);
    EXPECT_NE(steps.find(c.first), std::string::npos) << steps;
    EXPECT_EQ(steps.find("TEMP B-TREE"), std::string::npos) << steps;
    EXPECT_EQ(steps.find("SCAN events"), std::string::npos) << steps;
    EXPECT_EQ(steps.find("SCAN d"), std::string::npos) << steps;
    EXPECT_EQ(steps.find("SCAN s"), std::string::npos) << steps;
    EXPECT_NE(steps.find("SEARCH s USING INDEX events_starts (name=? AND eid>?)"),
              std::string::npos);
    EXPECT_NE(steps.find("SEARCH d USING INDEX events_denylisted (cause_eid=?)"),
              std::string::npos);
  }
}

// What isn't asked for isn't joined.
TEST_F(Terminations, OnlyWhatIsUsedIsJoined)
{
  g_autoptr(TableQuery) query = table_query_new();
  query->columns_used = guint64{1} << table_column_index(table, "reason");
  EXPECT_EQ(plan(query), "SCAN e USING INDEX events_ends\n");
}

TEST_F(Terminations, AHistoryThatIsDamagedIsAnError)
{
  execute(file, "DROP VIEW terminations");
  EXPECT_EQ(ask({"eid"}), Rows{"error: " + file + ": no such table: terminations"});
}

} // namespace
