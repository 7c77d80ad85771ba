#include "tables/ctl/advice/finding.h"
#include "tables/ctl/advice/limits.h"

#include "tables/definitions.h"
#include "watchdog/store/database.h"

#include <cmath>
#include <gtest/gtest.h>
#include <string>

namespace
{

class CtlFindingTest : public testing::Test
{
protected:
  void SetUp() override
  {
    ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
    g_autofree char *sql = table_create_statement(table_definition_find("watchdog_events"));
    run(sql);
    g_autofree char *processes =
        table_create_statement(table_definition_find("watchdog_processes"));
    run(processes);
    texts = g_string_chunk_new(64);
  }
  void TearDown() override
  {
    sqlite3_close(db);
    g_string_chunk_free(texts);
  }
  void run(const char *sql)
  {
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  }
  // Of the only row.
  gboolean read(CtlFinding *finding, const char *where)
  {
    g_autoptr(sqlite3_stmt) stmt = nullptr;
    std::string sql = std::string(CTL_FINDING_SELECT) + " WHERE " + where;
    EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &stmt, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
    gboolean known = ctl_finding_read(stmt, texts, finding);
    EXPECT_EQ(sqlite3_step(stmt), SQLITE_DONE);
    return known;
  }

  sqlite3 *db = nullptr;
  GStringChunk *texts = nullptr;
};

TEST_F(CtlFindingTest, AsMuchAsTheRowsKnow)
{
  run("INSERT INTO watchdog_events(eid, event, role, name, reason, details)"
      " VALUES(1, 'limit_exceeded', 'worker', 'worker', 'cpu',"
      " '{\"anonymous_bytes\":1000,\"swap_bytes\":24}');"
      "INSERT INTO watchdog_events(eid, event, role, name, reason, measured, limit_value,"
      " peak, baseline, utilization, utilization_limit, sustained, exit_signal, lifetime_ms,"
      " cause_eid)"
      " VALUES(2, 'process_terminated', 'worker', 'worker', 'cpu', 900, 600, 77, 33, 15.0, 10, 12,"
      " 9, 70000, 1);"
      "INSERT INTO watchdog_events(eid, event, role, name, query_name, cause_eid)"
      " VALUES(3, 'query_denylisted', 'worker', 'worker', 'a\x1b', 2),"
      " (5, 'query_denylisted', 'worker', 'worker', 'c', NULL)");
  CtlFinding finding;
  ASSERT_TRUE(read(&finding, "e.event = 'process_terminated'"));
  EXPECT_EQ(finding.event, WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(finding.role, WD_ROLE_WORKER);
  EXPECT_STREQ(finding.name, "worker");
  EXPECT_EQ(finding.reason, WD_REASON_CPU);
  EXPECT_EQ(finding.measured, 900);
  EXPECT_EQ(finding.limit_value, 600);
  EXPECT_EQ(finding.peak_bytes, 77);
  EXPECT_EQ(finding.baseline_bytes, 33);
  EXPECT_EQ(finding.utilization, 15.0);
  EXPECT_EQ(finding.utilization_limit, 10);
  EXPECT_EQ(finding.sustained_s, 12);
  EXPECT_EQ(finding.lifetime_ms, 70000);
  EXPECT_EQ(finding.exit_signal, 9);
  EXPECT_EQ(finding.exit_code, WD_NONE);
  EXPECT_EQ(finding.private_bytes, 1024);
  EXPECT_FALSE(finding.observed);
  EXPECT_STREQ(finding.query_name, "a\\x1b");
  EXPECT_EQ(finding.origin, WD_ORIGIN_SCHEDULE);
  EXPECT_EQ(finding.eid, 2);
  EXPECT_EQ(finding.core_dumped, WD_NONE);
  EXPECT_EQ(finding.growth.kind, CTL_GROWTH_UNKNOWN);

  ASSERT_TRUE(read(&finding, "e.eid = 1"));
  EXPECT_EQ(finding.private_bytes, 1024) << "its own details";
  EXPECT_EQ(finding.query_name, nullptr);
  EXPECT_EQ(finding.measured, WD_NONE);
  EXPECT_EQ(finding.peak_bytes, WD_NONE);
  EXPECT_TRUE(std::isnan(finding.utilization));
}

/* Which query it was: what the worker said, or else what osquery denylisted, unless that can't be
 * it.
 */
TEST_F(CtlFindingTest, TheQuery)
{
  const struct {
    const char *said; // origin and query_name of the end
    const char *denylisted;
    WdOrigin origin;
    const char *name;
  } cases[] = {
      {"NULL, NULL", nullptr, WD_ORIGIN_NONE, nullptr},
      {"NULL, NULL", "(2, 'a')", WD_ORIGIN_SCHEDULE, "a"},
      {"NULL, NULL", "(2, 'a'), (2, 'b')", WD_ORIGIN_NONE, nullptr},
      {"NULL, NULL", "(7, 'a')", WD_ORIGIN_NONE, nullptr},
      {"'schedule', NULL", "(2, 'a')", WD_ORIGIN_SCHEDULE, "a"},
      {"'schedule', 's'", "(2, 'a')", WD_ORIGIN_SCHEDULE, "s"},
      {"'distributed', NULL", "(2, 'a')", WD_ORIGIN_DISTRIBUTED, nullptr},
      {"'distributed', 'd'", "(2, 'a')", WD_ORIGIN_DISTRIBUTED, "d"},
      {"'extension', NULL", "(2, 'a')", WD_ORIGIN_EXTENSION, nullptr},
      {"'martian', NULL", nullptr, WD_ORIGIN_NONE, nullptr},
  };
  for (const auto &c : cases) {
    run("DELETE FROM watchdog_events");
    run((std::string("INSERT INTO watchdog_events(eid, event, role, name, origin, query_name)"
                     " VALUES(2, 'process_terminated', 'worker', 'worker', ") +
         c.said + ")")
            .c_str());
    if (c.denylisted != nullptr)
      run((std::string("INSERT INTO watchdog_events(cause_eid, query_name, event)"
                       " SELECT column1, column2, 'query_denylisted' FROM (VALUES") +
           c.denylisted + ")")
              .c_str());
    CtlFinding finding;
    ASSERT_TRUE(read(&finding, "e.eid = 2"));
    EXPECT_EQ(finding.origin, c.origin) << c.said;
    EXPECT_STREQ(finding.query_name, c.name) << c.said;
  }
}

TEST_F(CtlFindingTest, ObservedAndOddDetails)
{
  const struct {
    const char *details;
    gint64 private_bytes;
    gboolean observed;
  } cases[] = {
      {"'{\"basis\":\"inferred\"}'", WD_NONE, TRUE},
      {"'{\"basis\":\"seen\",\"anonymous_bytes\":1,\"swap_bytes\":null}'", WD_NONE, TRUE},
      {"'{\"uuid\":5}'", WD_NONE, FALSE},
      {"'no json'", WD_NONE, FALSE},
      {"NULL", WD_NONE, FALSE},
  };
  for (const auto &c : cases) {
    run("DELETE FROM watchdog_events");
    run((std::string("INSERT INTO watchdog_events(eid, event, role, name, details)"
                     " VALUES(1, 'limit_exceeded', 'worker', 'worker', ") +
         c.details + ")")
            .c_str());
    CtlFinding finding;
    ASSERT_TRUE(read(&finding, "1"));
    EXPECT_EQ(finding.private_bytes, c.private_bytes) << c.details;
    EXPECT_EQ(finding.observed, c.observed) << c.details;
    EXPECT_EQ(finding.reason, WD_REASON_NONE);
  }
}

TEST_F(CtlFindingTest, TheLimitsInEffect)
{
  auto expect = [this](gint64 memory_bytes, gint64 utilization, gint64 latency_s) {
    CtlLimits limits;
    ctl_limits_read(db, &limits);
    EXPECT_EQ(limits.memory_bytes, memory_bytes);
    EXPECT_EQ(limits.utilization, utilization);
    EXPECT_EQ(limits.latency_s, latency_s);
  };
  expect(WD_NONE, WD_NONE, WD_NONE);
  run("INSERT INTO watchdog_events(eid, event, reason, limit_value, utilization_limit, details)"
      " VALUES(1, 'process_terminated', 'memory', 300, NULL, NULL),"
      " (2, 'process_terminated', 'cpu', 600, 10, NULL),"
      " (3, 'process_terminated', 'memory', 200, NULL, NULL),"
      " (4, 'settings_changed', 'request', NULL, NULL, '{\"settings\":7}'),"
      " (5, 'settings_changed', 'request', NULL, NULL, '{\"settings\":[1,{\"name\":4}]}'),"
      " (6, 'settings_changed', 'request', NULL, NULL, 'no json')");
  expect(200, 10, WD_NONE);
  run("INSERT INTO watchdog_events(eid, event, details) VALUES(7, 'settings_changed',"
      " '{\"settings\":[{\"name\":\"watchdog_memory_limit\",\"old\":\"60\",\"new\":\"400\"},"
      "{\"name\":\"watchdog_latency_limit\",\"old\":\"12\",\"new\":\"30\"}]}')");
  expect(400 * 1024 * 1024, 10, 30);
  run("INSERT INTO watchdog_processes(name, memory_limit, utilization_limit, latency_limit)"
      " VALUES('watchdog', NULL, NULL, NULL), ('worker', 500, 20, 12)");
  expect(500, 20, 12);
  run("DROP TABLE watchdog_processes");
  expect(400 * 1024 * 1024, 10, 30);
  run("DROP TABLE watchdog_events");
  expect(WD_NONE, WD_NONE, WD_NONE);
}

TEST_F(CtlFindingTest, WordsOfANewerVersion)
{
  CtlFinding finding;
  run("INSERT INTO watchdog_events(eid, event, role, reason)"
      " VALUES(1, 'process_danced', 'worker', 'memory'), (2, 'process_exited', 'dancer', 'exit'),"
      " (3, 'process_exited', 'worker', 'boredom')");
  EXPECT_FALSE(read(&finding, "e.eid = 1"));
  EXPECT_FALSE(read(&finding, "e.eid = 2"));
  ASSERT_TRUE(read(&finding, "e.eid = 3"));
  EXPECT_EQ(finding.reason, WD_REASON_NONE);
}

} // namespace
