#include "watchdog/core/output/culprit.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

const gint64 ms = G_TIME_SPAN_MILLISECOND;
const gint64 now_us = 9000 * ms;
const gint64 since_us = 6000 * ms;

struct Statement {
  const char *name; /* NULL: nothing was said */
  const char *sql = nullptr;
  gint64 tid = 10;
  gint64 said_ms = 5000;
  gint64 idle_ms = WD_NONE;
  bool cut = false;
};

void
say(WdSaid *said, WdOrigin origin, const Statement &statement)
{
  if (statement.name == nullptr)
    return;
  const std::string line =
      "I1128 15:11:02.852525 " + std::to_string(statement.tid) + " file.cpp:1] Executing " +
      (origin == WD_ORIGIN_SCHEDULE ? "scheduled query " : "distributed query: ") + statement.name +
      (statement.sql != nullptr ? std::string(": ") + statement.sql : "");
  wd_said_take_line(said, line.data(), line.size(), statement.cut, statement.said_ms * ms);
  if (statement.idle_ms != WD_NONE)
    wd_said_note_idle(said, origin, statement.idle_ms * ms);
}

WdBusiest
busiest(const char *name, gint64 tid = 10, gint64 cpu_ms = 100, gint64 since = since_us)
{
  WdBusiest result = {};
  g_strlcpy(result.name, name, sizeof result.name);
  result.tid = tid;
  result.cpu_ms = cpu_ms;
  result.since_us = since;
  return result;
}

TEST(Culprit, OriginOfAThread)
{
  EXPECT_EQ(wd_culprit_origin_of_thread("SchedulerRunner"), WD_ORIGIN_SCHEDULE);
  EXPECT_EQ(wd_culprit_origin_of_thread("DistributedRunn"), WD_ORIGIN_DISTRIBUTED);
  EXPECT_EQ(wd_culprit_origin_of_thread("ExtensionRunner"), WD_ORIGIN_EXTENSION);
  for (const char *name : {"", "osqueryd", "ExtensionWatche", "SchedulerRunne", "schedulerrunner",
                           "rocksdb:low", "DistributedRunne"})
    EXPECT_EQ(wd_culprit_origin_of_thread(name), WD_ORIGIN_NONE) << name;
}

struct Row {
  const char *what;
  Statement schedule, distributed;
  WdBusiest busiest; /* tid -1: nobody looked */
  WdOrigin origin;
  const char *query_name, *query, *thread, *details;
};

TEST(Culprit, IsFound)
{
  const Statement none = {nullptr};
  const Statement uptime = {"uptime", "SELECT 1"};
  const Statement id = {"id", "SELECT 2", 11, 8000};
  const WdBusiest nobody = busiest("", -1);
  const WdBusiest idle = busiest("", 0, 0);
  const std::vector<Row> rows = {
      {"nothing", none, none, nobody, WD_ORIGIN_NONE, nullptr, nullptr, nullptr, nullptr},
      {"no thread was busy", none, none, idle, WD_ORIGIN_NONE, nullptr, nullptr, nullptr, nullptr},
      {"a thread that asks for nothing", none, none, busiest("rocksdb:low"), WD_ORIGIN_NONE,
       nullptr, nullptr, "rocksdb:low", nullptr},
      {"said, nobody looked", uptime, none, nobody, WD_ORIGIN_SCHEDULE, "uptime", "SELECT 1",
       nullptr,
       R"({"evidence":{"origin":"said","query":"said"},)"
       R"("said":[{"origin":"schedule","name":"uptime","ms":4000}]})"},
      {"said, another thread is busy", none, id, busiest("rocksdb:low"), WD_ORIGIN_DISTRIBUTED,
       "id", "SELECT 2", "rocksdb:low",
       R"({"evidence":{"origin":"said","query":"said"},)"
       R"("said":[{"origin":"distributed","name":"id","ms":1000}]})"},
      {"said and ended",
       {"uptime", nullptr, 10, 5000, 5500},
       none,
       nobody,
       WD_ORIGIN_NONE,
       nullptr,
       nullptr,
       nullptr,
       nullptr},
      {"one of two has ended",
       {"uptime", nullptr, 10, 5000, 5500},
       id,
       idle,
       WD_ORIGIN_DISTRIBUTED,
       "id",
       "SELECT 2",
       nullptr,
       R"({"evidence":{"origin":"said","query":"said"},)"
       R"("said":[{"origin":"distributed","name":"id","ms":1000}]})"},
      {"two at once, nobody looked", uptime, id, nobody, WD_ORIGIN_NONE, nullptr, nullptr, nullptr,
       R"({"said":[{"origin":"schedule","name":"uptime","ms":4000},)"
       R"({"origin":"distributed","name":"id","ms":1000}]})"},
      {"two at once, one is seen", uptime, id, busiest("DistributedRunn", 11),
       WD_ORIGIN_DISTRIBUTED, "id", "SELECT 2", "DistributedRunn",
       R"({"evidence":{"origin":"seen","query":"said"},)"
       R"("said":[{"origin":"schedule","name":"uptime","ms":4000},)"
       R"({"origin":"distributed","name":"id","ms":1000}]})"},
      {"seen only", none, none, busiest("SchedulerRunner"), WD_ORIGIN_SCHEDULE, nullptr, nullptr,
       "SchedulerRunner", R"({"evidence":{"origin":"seen"}})"},
      {"the socket, and what else was said", uptime, none, busiest("ExtensionRunner", 12),
       WD_ORIGIN_EXTENSION, nullptr, nullptr, "ExtensionRunner",
       R"({"evidence":{"origin":"seen"},)"
       R"("said":[{"origin":"schedule","name":"uptime","ms":4000}]})"},
      {"said by another thread", uptime, none, busiest("SchedulerRunner", 99), WD_ORIGIN_SCHEDULE,
       nullptr, nullptr, "SchedulerRunner",
       R"({"evidence":{"origin":"seen"},)"
       R"("said":[{"origin":"schedule","name":"uptime","ms":4000}]})"},
      {"ended before the interval",
       {"uptime", nullptr, 10, 5000, 5999},
       none,
       busiest("SchedulerRunner"),
       WD_ORIGIN_SCHEDULE,
       nullptr,
       nullptr,
       "SchedulerRunner",
       R"({"evidence":{"origin":"seen"}})"},
      {"ended within the interval",
       {"uptime", nullptr, 10, 5000, 6000},
       none,
       busiest("SchedulerRunner"),
       WD_ORIGIN_SCHEDULE,
       "uptime",
       nullptr,
       "SchedulerRunner",
       R"({"evidence":{"origin":"seen","query":"said"}})"},
      {"ended within nobody knows what",
       {"uptime", nullptr, 10, 5000, 6000},
       none,
       busiest("SchedulerRunner", 10, 100, WD_NONE),
       WD_ORIGIN_SCHEDULE,
       nullptr,
       nullptr,
       "SchedulerRunner",
       R"({"evidence":{"origin":"seen"}})"},
      {"not ended, since nobody knows when", uptime, none,
       busiest("SchedulerRunner", 10, 100, WD_NONE), WD_ORIGIN_SCHEDULE, "uptime", "SELECT 1",
       "SchedulerRunner",
       R"({"evidence":{"origin":"seen","query":"said"},)"
       R"("said":[{"origin":"schedule","name":"uptime","ms":4000}]})"},
      {"cut",
       none,
       {"i\"d", "SELECT 2", 11, 8000, WD_NONE, true},
       nobody,
       WD_ORIGIN_DISTRIBUTED,
       "i\"d",
       "SELECT 2",
       nullptr,
       R"({"evidence":{"origin":"said","query":"said"},"query_cut":true,)"
       R"("said":[{"origin":"distributed","name":"i\"d","ms":1000}]})"},
  };
  for (const auto &row : rows) {
    g_autoptr(WdSaid) said = wd_said_new();
    g_auto(WdCulprit) culprit = {};
    say(said, WD_ORIGIN_SCHEDULE, row.schedule);
    say(said, WD_ORIGIN_DISTRIBUTED, row.distributed);
    wd_culprit_find(said, row.busiest.tid >= 0 ? &row.busiest : nullptr, now_us, &culprit);
    EXPECT_EQ(culprit.origin, row.origin) << row.what;
    EXPECT_STREQ(culprit.query_name, row.query_name) << row.what;
    EXPECT_STREQ(culprit.query, row.query) << row.what;
    EXPECT_STREQ(culprit.thread, row.thread) << row.what;
    EXPECT_STREQ(culprit.details, row.details) << row.what;
  }
}

TEST(Culprit, WithoutAnythingHeardIsTheThreadsAlone)
{
  const WdBusiest scheduler = busiest("SchedulerRunner");
  g_auto(WdCulprit) culprit = {};
  wd_culprit_find(nullptr, &scheduler, now_us, &culprit);
  EXPECT_EQ(culprit.origin, WD_ORIGIN_SCHEDULE);
  EXPECT_EQ(culprit.query_name, nullptr);
  EXPECT_STREQ(culprit.details, R"({"evidence":{"origin":"seen"}})");
  wd_culprit_clear(&culprit);
  wd_culprit_find(nullptr, nullptr, now_us, &culprit);
  EXPECT_EQ(culprit.origin, WD_ORIGIN_NONE);
  EXPECT_EQ(culprit.details, nullptr);
}

/* What may be said of one origin, and of the threads. */
const std::vector<Statement> &
statements(const char *name)
{
  static const char *const names[] = {"scheduled", "asked"};
  static std::vector<Statement> all[2];
  const gsize which = g_str_equal(name, names[0]) ? 0 : 1;
  if (all[which].empty()) {
    all[which].push_back({nullptr});
    for (const gint64 tid : {10, 11})
      for (const gint64 idle_ms : {WD_NONE, gint64(5500), gint64(6000), gint64(8500)})
        all[which].push_back({names[which], "SELECT 1", tid, 5000, idle_ms});
  }
  return all[which];
}

std::vector<WdBusiest>
looks()
{
  std::vector<WdBusiest> all = {busiest("", -1)};
  for (const char *name : {"SchedulerRunner", "DistributedRunn", "ExtensionRunner", "osqueryd"})
    for (const gint64 tid : {0, 10, 11})
      for (const gint64 cpu_ms : {0, 100})
        for (const gint64 since : {WD_NONE, since_us})
          all.push_back(busiest(name, tid, cpu_ms, since));
  return all;
}

/* Nothing is claimed that nothing shows. */
void
expect_founded(const Statement &schedule, const Statement &distributed, const WdBusiest &look)
{
  g_autoptr(WdSaid) said = wd_said_new();
  g_auto(WdCulprit) culprit = {};
  const bool busy = look.tid > 0 && look.cpu_ms > 0;
  const WdOrigin seen = busy ? wd_culprit_origin_of_thread(look.name) : WD_ORIGIN_NONE;
  say(said, WD_ORIGIN_SCHEDULE, schedule);
  say(said, WD_ORIGIN_DISTRIBUTED, distributed);
  wd_culprit_find(said, look.tid >= 0 ? &look : nullptr, now_us, &culprit);

  const std::string details = culprit.details != nullptr ? culprit.details : "";
  EXPECT_EQ(culprit.thread != nullptr, busy);
  EXPECT_EQ(details.find(R"("evidence":{"origin":"seen")") != std::string::npos,
            seen != WD_ORIGIN_NONE);
  EXPECT_EQ(details.find(R"("evidence")") != std::string::npos, culprit.origin != WD_ORIGIN_NONE);
  EXPECT_EQ(details.find(R"("query":"said")") != std::string::npos, culprit.query_name != nullptr);
  if (seen != WD_ORIGIN_NONE)
    EXPECT_EQ(culprit.origin, seen);
  if (culprit.query_name == nullptr) {
    EXPECT_EQ(culprit.query, nullptr);
    return;
  }
  const Statement &named = culprit.origin == WD_ORIGIN_SCHEDULE ? schedule : distributed;
  const Statement &other = culprit.origin == WD_ORIGIN_SCHEDULE ? distributed : schedule;
  EXPECT_NE(culprit.origin, WD_ORIGIN_NONE);
  EXPECT_NE(culprit.origin, WD_ORIGIN_EXTENSION);
  ASSERT_STREQ(culprit.query_name, named.name);
  if (seen == WD_ORIGIN_NONE) {
    EXPECT_EQ(named.idle_ms, WD_NONE);
    EXPECT_TRUE(other.name == nullptr || other.idle_ms != WD_NONE);
  } else {
    EXPECT_EQ(named.tid, look.tid);
    EXPECT_TRUE(named.idle_ms == WD_NONE ||
                (look.since_us != WD_NONE && named.idle_ms * ms >= look.since_us));
  }
}

TEST(Culprit, ClaimsNothingThatNothingShows)
{
  int tried = 0;
  for (const auto &schedule : statements("scheduled"))
    for (const auto &distributed : statements("asked"))
      for (const auto &look : looks()) {
        SCOPED_TRACE(testing::Message()
                     << "schedule " << schedule.tid << " " << schedule.idle_ms << ", distributed "
                     << distributed.tid << " " << distributed.idle_ms << ", busiest " << look.name
                     << " " << look.tid << " " << look.cpu_ms << " " << look.since_us);
        expect_founded(schedule, distributed, look);
        tried++;
      }
  EXPECT_EQ(tried, 9 * 9 * 49);
}

TEST(Culprit, FillsWhatAnEventLacks)
{
  g_autoptr(WdSaid) said = wd_said_new();
  const WdBusiest scheduler = busiest("SchedulerRunner");
  g_auto(WdCulprit) culprit = {};
  say(said, WD_ORIGIN_SCHEDULE, {"uptime", "SELECT 1"});
  wd_culprit_find(said, &scheduler, now_us, &culprit);

  g_autoptr(WdEvent) bare =
      wd_event_new(WD_EVENT_PROCESS_EXITED, WD_ROLE_WORKER, "worker", nullptr);
  wd_culprit_describe(&culprit, bare);
  EXPECT_EQ(bare->origin, WD_ORIGIN_SCHEDULE);
  EXPECT_STREQ(bare->query_name, "uptime");
  EXPECT_STREQ(bare->query, "SELECT 1");
  EXPECT_STREQ(bare->thread, "SchedulerRunner");
  EXPECT_STREQ(bare->details, culprit.details);

  g_autoptr(WdEvent) full =
      wd_event_new(WD_EVENT_PROCESS_EXITED, WD_ROLE_WORKER, "worker", nullptr);
  full->origin = WD_ORIGIN_EXTENSION;
  full->query_name = g_strdup("mine");
  full->thread = g_strdup("its");
  full->details = g_strdup("{\"basis\":\"seen\"}");
  wd_culprit_describe(&culprit, full);
  EXPECT_EQ(full->origin, WD_ORIGIN_EXTENSION);
  EXPECT_STREQ(full->query_name, "mine");
  EXPECT_EQ(full->query, nullptr);
  EXPECT_STREQ(full->thread, "its");
  EXPECT_EQ(std::string(full->details),
            "{\"basis\":\"seen\"," + std::string(culprit.details).substr(1));

  WdCulprit unknown = {};
  wd_culprit_describe(&unknown, full);
  EXPECT_STREQ(full->query_name, "mine");
  EXPECT_EQ(unknown.details, nullptr);
}

} // namespace
