/* What is heard of workers through their log, and for how long it is believed. This process plays
 * the worker, because the threads that say something are looked at. */
#include "extension/status-log.h"

#include "tests/unit/log-directory.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <sys/syscall.h>
#include <thread>

namespace
{

const gint64 SELF = getpid();
const gint64 NOBODY = 999999999; /* a thread that isn't there, so that nothing is known of it */

class StatusLog : public testing::Test
{
protected:
  void say(gint64 pid, gint64 tid, const std::string &text)
  {
    logs.append(logs.file(pid), "I1129 01:02:28.120610 " + std::to_string(tid) +
                                    " scheduler.cpp:122] " + text + "\n");
    logs.link(logs.file(pid));
  }

  void look(gint64 pid = SELF)
  {
    ext_status_log_look(log, pid, started_us);
  }

  /* The name of the query that is being executed, "" when none is said, "ended", "-" when nothing
   * is heard. */
  std::string executing(gint64 pid = SELF, WdOrigin origin = WD_ORIGIN_SCHEDULE)
  {
    g_autoptr(WdSaid) said = ext_status_log_said(log, pid);
    if (said == nullptr)
      return "-";
    const WdStatement *statement = wd_said_statement(said, origin);
    return statement == nullptr ? "" : statement->idle_us != WD_NONE ? "ended" : statement->name;
  }

  void eventually(const std::function<bool()> &condition)
  {
    const gint64 deadline_us = g_get_monotonic_time() + 30 * G_TIME_SPAN_SECOND;
    while (!condition() && g_get_monotonic_time() < deadline_us)
      g_usleep(5000);
    EXPECT_TRUE(condition());
  }

  void SetUp() override
  {
    ext_status_log_set_directory(log, logs.path.c_str());
  }

  void TearDown() override
  {
    ext_status_log_free(log);
  }

  LogDirectory logs;
  ExtStatusLog *log = ext_status_log_new();
  const gint64 started_us = g_get_monotonic_time();
};

TEST_F(StatusLog, HearsWhatAWorkerSays)
{
  EXPECT_EQ(executing(), "-");
  say(SELF, NOBODY, "Executing scheduled query one");
  eventually([this] { return look(), executing() == "one"; });
  say(SELF, NOBODY, "Executing scheduled query pack/two: SELECT 1\nFROM a");
  eventually([this] { return look(), executing() == "pack/two"; });
  g_autoptr(WdSaid) said = ext_status_log_said(log, SELF);
  EXPECT_STREQ(wd_said_statement(said, WD_ORIGIN_SCHEDULE)->query, "SELECT 1\nFROM a");
}

TEST_F(StatusLog, LooksAgainSoonWhileAQueryIsBeingExecuted)
{
  EXPECT_EQ(ext_status_log_next_look_us(log), G_MAXINT64);
  say(SELF, NOBODY, "nothing");
  look();
  EXPECT_GT(ext_status_log_next_look_us(log),
            g_get_monotonic_time() + 500 * G_TIME_SPAN_MILLISECOND);
  say(SELF, NOBODY, "Executing scheduled query one");
  eventually([this] { return look(), executing() == "one"; });
  EXPECT_LE(ext_status_log_next_look_us(log),
            g_get_monotonic_time() + 250 * G_TIME_SPAN_MILLISECOND);
}

TEST_F(StatusLog, NothingIsHeardWithoutADirectory)
{
  ext_status_log_set_directory(log, nullptr);
  say(SELF, NOBODY, "Executing scheduled query one");
  look();
  EXPECT_EQ(executing(), "-");
  EXPECT_EQ(ext_status_log_next_look_us(log), G_MAXINT64);
}

TEST_F(StatusLog, AThreadThatWaitsForWorkHasEndedItsQuery)
{
  std::mutex mutex;
  std::condition_variable changed;
  bool work = false;
  std::atomic<gint64> tid{0};
  std::thread runner([&] {
    std::unique_lock<std::mutex> lock(mutex);
    tid = syscall(SYS_gettid);
    changed.wait_for(lock, std::chrono::hours(1), [&] { return work; });
  });
  eventually([&] { return tid != 0; });
  say(SELF, tid, "Executing scheduled query one");
  say(SELF, NOBODY, "Executing distributed query: two: SELECT 2");
  eventually([this] { return look(), executing() == "ended"; });
  EXPECT_EQ(executing(SELF, WD_ORIGIN_DISTRIBUTED), "two");
  say(SELF, tid, "Executing scheduled query three");
  eventually([this] { return look(), executing() == "three"; });
  {
    std::lock_guard<std::mutex> lock(mutex);
    work = true;
  }
  changed.notify_one();
  runner.join();
}

TEST_F(StatusLog, OneWorkersWordsAreNotTheNextOnes)
{
  say(SELF, NOBODY, "Executing scheduled query one");
  eventually([this] { return look(), executing() == "one"; });
  say(SELF + 1, NOBODY, "Executing scheduled query two");
  eventually([this] { return look(SELF + 1), executing(SELF + 1) == "two"; });
  EXPECT_EQ(executing(), "one");
  /* The next ones have said nothing. Only the last few are remembered. */
  for (gint64 pid = SELF + 2; pid < SELF + 10; pid++) {
    look(pid);
    eventually([this, pid] { return executing(pid) == ""; });
  }
  EXPECT_EQ(executing(), "-");
}

TEST_F(StatusLog, WhatWasSkippedMayHaveSaidOtherwise)
{
  say(SELF, NOBODY, "Executing scheduled query one");
  eventually([this] { return look(), executing() == "one"; });
  logs.append(logs.file(SELF), std::string(3 << 20, 'x') + "\n");
  eventually([this] { return look(), executing() == ""; });
}

} // namespace
