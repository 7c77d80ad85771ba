#include "watchdog/core/observe.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace
{
using std::string;

constexpr gint64 SECOND = G_USEC_PER_SEC;
constexpr gint64 MIB = 1024 * 1024;
constexpr gint64 START = 1000 * SECOND;
constexpr gint64 WATCHER = 10, WORKER = 20, EXTENSION = 30;

WdExit
exited(gint64 code)
{
  return {code, WD_NONE, FALSE};
}

WdExit
killed(gint64 signo)
{
  return {WD_NONE, signo, FALSE};
}

/* A watcher with a worker and an extension that were started with it, at START. */
class Observe : public testing::Test
{
protected:
  Observe()
  {
    const WdFound watcher = {WD_ROLE_WATCHDOG, "watchdog", "/o/osqueryd", WATCHER, 1, START};
    observe = wd_observe_new(&watcher, START);
    now_us = START;
    appear(WD_ROLE_WORKER, "worker", WORKER);
    appear(WD_ROLE_EXTENSION, "one.ext", EXTENSION);
    limits.enforce = TRUE;
    limits.memory_limit_bytes = 50 * MIB;
    limits.utilization_limit = 10;
    limits.latency_limit_s = 6;
    limits.respawn_limit = limits.quick_exit_s = 4;
    limits.forced_shutdown_delay_s = 4;
    limits.cpus = 1;
    wd_observe_set_limits(observe, &limits);
    take();
  }

  ~Observe() override
  {
    wd_observe_free(observe);
  }

  void appear(WdRole role, const char *name, gint64 pid)
  {
    const WdFound found = {role, name, "/o/p", pid, pid * 100, now_us};
    wd_observe_appeared(observe, &found, now_us);
  }

  void look(gint64 pid, gint64 cpu_ms, gint64 resident_bytes)
  {
    const WdSample sample = {cpu_ms, 0, resident_bytes, WD_NONE, 1, WATCHER};
    wd_observe_looked(observe, pid, &sample, now_us);
  }

  void at(double seconds)
  {
    now_us = START + (gint64)(seconds * SECOND);
  }

  void gone(gint64 pid, const WdExit &how)
  {
    wd_observe_gone(observe, pid, &how, now_us);
  }

  void gone(gint64 pid)
  {
    wd_observe_gone(observe, pid, nullptr, now_us);
  }

  /* Over the memory limit at 3.5 s. */
  void grow(gint64 pid)
  {
    at(3);
    look(pid, 0, 20 * MIB);
    at(3.5);
    look(pid, 0, 90 * MIB);
  }

  /* "event name reason basis code/signal outcome", the columns that have no value left out. */
  string take()
  {
    string text;
    while (WdEvent *event = wd_observe_take_event(observe)) {
      text +=
          (text.empty() ? "" : ", ") + string(wd_event_kind_name(event->kind)) + " " + event->name;
      if (wd_reason_name(event->reason) != nullptr)
        text += string(" ") + wd_reason_name(event->reason);
      text += string(event->details).find("seen") != string::npos ? " seen" : " inferred";
      if (event->exit_code != WD_NONE)
        text += " code=" + std::to_string(event->exit_code);
      if (event->exit_signal != WD_NONE)
        text += " signal=" + std::to_string(event->exit_signal);
      if (wd_outcome_name(event->outcome) != nullptr)
        text += string(" ") + wd_outcome_name(event->outcome);
      EXPECT_EQ(event->signals_sent, WD_SIGNALS_NONE); // nobody saw them
      EXPECT_EQ(event->duration_ms, WD_NONE);
      EXPECT_NE(event->message, nullptr);
      EXPECT_EQ(string(event->message).find("(null)"), string::npos);
      EXPECT_LT(event->cause_seq, event->seq);
      EXPECT_EQ(event->seq, last_seq + 1);
      last_seq = event->seq;
      last_cause = event->cause_seq;
      last_measured = event->measured;
      wd_event_free(event);
    }
    return text;
  }

  WdLimits limits = {};
  WdObserve *observe;
  gint64 now_us;
  guint64 last_seq = 0, last_cause = 0;
  gint64 last_measured = 0;
};

TEST_F(Observe, WhatRunsAlreadyIsInferredToHaveStarted)
{
  const WdFound watcher = {WD_ROLE_WATCHDOG, "watchdog", nullptr, WATCHER, 1, START};
  wd_observe_free(observe);
  observe = wd_observe_new(&watcher, START + 5 * SECOND);
  appear(WD_ROLE_WORKER, "worker", WORKER);
  at(6);
  appear(WD_ROLE_EXTENSION, "one.ext", EXTENSION);
  last_seq = 0;
  EXPECT_EQ(take(), "watchdog_started watchdog seen, process_started worker inferred, "
                    "process_started one.ext seen");
}

TEST_F(Observe, AnExitWithinTheLimitsIsOnlyAnExit)
{
  struct {
    WdExit how;
    const char *event;
  } const rows[] = {
      {exited(0), "process_exited worker exit seen code=0"},
      {exited(3), "process_exited worker exit seen code=3"},
      {killed(SIGKILL), "process_exited worker signal seen signal=9"},
      {killed(SIGSEGV), "process_exited worker signal seen signal=11"},
  };
  for (const auto &row : rows) {
    at(5);
    gone(WORKER, row.how);
    EXPECT_EQ(take(), row.event);
    appear(WD_ROLE_WORKER, "worker", WORKER);
    EXPECT_EQ(take(), "process_started worker seen");
  }
}

TEST_F(Observe, HowAProcessEndedIsLeftOpenWhenNobodySaw)
{
  at(5);
  gone(WORKER);
  EXPECT_EQ(take(), "process_exited worker seen");
}

TEST_F(Observe, OneThatWentOverItsLimitWasTerminated)
{
  struct {
    WdExit how;
    const char *event;
  } const rows[] = {
      {exited(0), "process_terminated worker memory inferred code=0 graceful"},
      {exited(78), "process_terminated worker memory inferred code=78 graceful"},
      {killed(SIGTERM), "process_terminated worker memory inferred signal=15 graceful"},
      {killed(SIGKILL), "process_terminated worker memory inferred signal=9 killed"},
      {killed(SIGSEGV), "process_exited worker signal seen signal=11"}, // its own doing
      {exited(3), "process_exited worker exit seen code=3"},
  };
  for (const auto &row : rows) {
    grow(WORKER);
    EXPECT_EQ(take(), "limit_exceeded worker memory seen");
    EXPECT_EQ(last_measured, 70 * MIB);
    const guint64 cause = last_seq;
    at(6);
    gone(WORKER, row.how);
    EXPECT_EQ(take(), row.event);
    EXPECT_EQ(last_cause, string(row.event).find("terminated") != string::npos ? cause : 0);
    at(0);
    appear(WD_ROLE_WORKER, "worker", WORKER);
    take();
  }
}

TEST_F(Observe, NobodySawTheSignalOfATermination)
{
  grow(WORKER);
  at(6);
  gone(WORKER);
  EXPECT_EQ(take(), "limit_exceeded worker memory seen, process_terminated worker memory inferred");
}

TEST_F(Observe, OneThatWasOverItsLimitLongAgoWasNotTerminatedForIt)
{
  grow(WORKER);
  at(4);
  look(WORKER, 0, 30 * MIB);
  at(30);
  gone(WORKER, killed(SIGKILL));
  EXPECT_EQ(take(),
            "limit_exceeded worker memory seen, process_exited worker signal seen signal=9");
}

TEST_F(Observe, ALimitIsExceededOnceAnEpisode)
{
  grow(WORKER);
  for (int i = 1; i <= 10; i++) {
    at(3.5 + i);
    look(WORKER, 0, 90 * MIB);
  }
  EXPECT_EQ(take(), "limit_exceeded worker memory seen");
  at(15);
  look(WORKER, 0, 30 * MIB);
  at(40);
  look(WORKER, 0, 90 * MIB);
  EXPECT_EQ(take(), "limit_exceeded worker memory seen");
}

TEST_F(Observe, LimitsCountWhereTheWatcherEnforcesThem)
{
  grow(EXTENSION); // without --enable_extensions_watchdog
  EXPECT_EQ(take(), "");
  limits.enforce_extensions = TRUE;
  limits.watchdog_delay_s = 60;
  wd_observe_set_limits(observe, &limits);
  grow(EXTENSION);
  grow(WORKER);
  EXPECT_EQ(take(), "");
  at(61);
  look(EXTENSION, 0, 90 * MIB);
  look(WORKER, 0, 90 * MIB);
  EXPECT_EQ(take(), "limit_exceeded one.ext memory seen, limit_exceeded worker memory seen");
}

TEST_F(Observe, NothingIsJudgedBeforeTheLimitsAreKnown)
{
  const WdFound watcher = {WD_ROLE_WATCHDOG, "watchdog", nullptr, WATCHER, 1, START};
  wd_observe_free(observe);
  observe = wd_observe_new(&watcher, START);
  at(0);
  appear(WD_ROLE_WORKER, "worker", WORKER);
  last_seq = 0;
  take();
  grow(WORKER);
  at(7);
  look(WORKER, 7000, 900 * MIB);
  EXPECT_EQ(take(), "");
  g_autoptr(GPtrArray) rows = wd_observe_status(observe, now_us, 0);
  const auto *row = (const WdProcessStatus *)g_ptr_array_index(rows, 1);
  EXPECT_EQ(row->memory_limit_bytes, WD_NONE);
  EXPECT_EQ(row->utilization_limit, WD_NONE);
  EXPECT_FALSE(row->enforced);
}

TEST_F(Observe, SustainedCpu)
{
  for (int i = 1; i <= 6; i++) {
    at(i);
    look(WORKER, i * 1000, 20 * MIB);
  }
  EXPECT_EQ(take(), "limit_exceeded worker cpu seen");
  at(6.2);
  gone(WORKER, exited(0));
  EXPECT_EQ(take(), "process_terminated worker cpu inferred code=0 graceful");
}

TEST_F(Observe, TheWatchersLastCheckMayComeBeforeOurs)
{
  for (int i = 1; i <= 5; i++) {
    at(i);
    look(WORKER, i * 1000, 20 * MIB);
  }
  EXPECT_EQ(take(), "");
  at(5.9);
  gone(WORKER, exited(0));
  EXPECT_EQ(take(), "limit_exceeded worker cpu seen, "
                    "process_terminated worker cpu inferred code=0 graceful");
}

TEST_F(Observe, TooLittleOfSustainedCpuIsNoTermination)
{
  for (int i = 1; i <= 4; i++) {
    at(i);
    look(WORKER, i <= 3 ? 0 : 1000, 20 * MIB);
  }
  at(4.9);
  gone(WORKER, exited(0));
  EXPECT_EQ(take(), "process_exited worker exit seen code=0");
}

TEST_F(Observe, ExtensionsFollowTheirWorker)
{
  at(5);
  gone(WORKER, killed(SIGKILL));
  const string worker = take();
  const guint64 cause = last_seq;
  at(7);
  gone(EXTENSION, exited(1));
  EXPECT_EQ(take(), "process_exited one.ext worker_gone inferred code=1");
  EXPECT_EQ(last_cause, cause);
  appear(WD_ROLE_EXTENSION, "one.ext", 31);
  at(8);
  gone(31, exited(1)); // began after it
  EXPECT_EQ(take(), "process_started one.ext seen, process_exited one.ext exit seen code=1");
}

TEST_F(Observe, AnExtensionThatASignalEndsFollowsNobody)
{
  at(5);
  gone(WORKER, exited(0));
  take();
  at(6);
  gone(EXTENSION, killed(SIGKILL));
  EXPECT_EQ(take(), "process_exited one.ext signal seen signal=9");
}

TEST_F(Observe, AWatcherThatEndsAfterTooManyQuickExitsGaveUp)
{
  for (int i = 1; i <= 5; i++) {
    now_us += 3 * SECOND;
    gone(WORKER, exited(1));
    if (i < 5)
      appear(WD_ROLE_WORKER, "worker", WORKER);
  }
  take();
  gone(WATCHER, exited(1));
  EXPECT_EQ(take(), "respawn_limit_reached worker exit inferred, "
                    "watchdog_stopped watchdog exit seen code=1");
  EXPECT_EQ(last_cause, last_seq - 1);
}

TEST_F(Observe, AWatcherThatEndsAfterFewerQuickExitsDidNot)
{
  for (int i = 1; i <= 5; i++) {
    now_us += (i == 2 ? 5 : 3) * SECOND;
    gone(WORKER, exited(1));
    if (i < 5)
      appear(WD_ROLE_WORKER, "worker", WORKER);
  }
  take();
  gone(WATCHER, exited(1));
  EXPECT_EQ(take(), "watchdog_stopped watchdog exit seen code=1");
}

TEST_F(Observe, ARunIsClosedOnce)
{
  at(5);
  gone(WATCHER, killed(SIGKILL));
  EXPECT_EQ(take(), "watchdog_stopped watchdog signal seen signal=9");
  gone(WORKER, exited(0));
  wd_observe_stop(observe);
  EXPECT_EQ(take(), "");
}

TEST_F(Observe, AskedToStop)
{
  wd_observe_stop(observe);
  EXPECT_EQ(take(), "watchdog_stopped watchdog request seen");
}

TEST_F(Observe, AZombieIsNoNewProcess)
{
  EXPECT_TRUE(wd_observe_knows(observe, WORKER));
  gone(WORKER, exited(0));
  EXPECT_FALSE(wd_observe_knows(observe, WORKER));
  EXPECT_TRUE(wd_observe_has_seen(observe, WORKER, WORKER * 100));
  EXPECT_FALSE(wd_observe_has_seen(observe, WORKER, WORKER * 100 + 1)); // its pid, used again
}

TEST_F(Observe, LooksSecondlyAndSoonerNearALimit)
{
  gint64 pid = 0;
  for (gint64 each : {WATCHER, WORKER, EXTENSION})
    look(each, 0, 20 * MIB);
  EXPECT_GT(wd_observe_next_look(observe, &pid), now_us);
  at(3);
  for (gint64 each : {WATCHER, EXTENSION, WORKER})
    look(each, 0, 20 * MIB);
  EXPECT_LE(wd_observe_next_look(observe, &pid), now_us + SECOND);
  at(3.2);
  look(WORKER, 0, 45 * MIB);
  EXPECT_LE(wd_observe_next_look(observe, &pid), now_us + SECOND / 10);
  EXPECT_EQ(pid, WORKER);
}

TEST_F(Observe, TheStatusCounts)
{
  grow(WORKER);
  gone(WORKER, killed(SIGKILL));
  appear(WD_ROLE_WORKER, "worker", 21);
  look(21, 40, 20 * MIB);
  g_autoptr(GPtrArray) rows = wd_observe_status(observe, now_us, 0);
  ASSERT_EQ(rows->len, 3u);
  const auto *row = (const WdProcessStatus *)g_ptr_array_index(rows, 1);
  EXPECT_STREQ(row->name, "worker");
  EXPECT_EQ(row->pid, 21);
  EXPECT_EQ(row->restarts, 1);
  EXPECT_EQ(row->terminations, 1);
  EXPECT_EQ(row->last_exit_signal, SIGKILL);
  EXPECT_EQ(row->user_ms, 40);
  EXPECT_TRUE(row->enforced);
  EXPECT_EQ(row->memory_limit_bytes, 50 * MIB);
}

TEST(ObserveLimits, FromOptions)
{
  g_autoptr(GHashTable) options = g_hash_table_new(g_str_hash, g_str_equal);
  const char *const values[][2] = {
      {"watchdog_level", "1"},
      {"watchdog_memory_limit", "0"},
      {"watchdog_utilization_limit", "7"},
      {"watchdog_latency_limit", "0"},
      {"watchdog_delay", "60"},
      {"watchdog_forced_shutdown_delay", "4"},
      {"disable_watchdog", "false"},
      {"enable_extensions_watchdog", "true"},
  };
  WdLimits limits = {};
  for (const auto &value : values) {
    EXPECT_FALSE(wd_observe_limits(options, 2, &limits));
    EXPECT_EQ(limits.cpus, 0u);
    g_hash_table_insert(options, (gpointer)value[0], (gpointer)value[1]);
  }
  ASSERT_TRUE(wd_observe_limits(options, 2, &limits));
  EXPECT_EQ(limits.memory_limit_bytes, 100 * MIB);
  EXPECT_EQ(limits.utilization_limit, 7);
  EXPECT_EQ(limits.latency_limit_s, 6);
  EXPECT_EQ(limits.watchdog_delay_s, 60);
  EXPECT_TRUE(limits.enforce && limits.enforce_extensions);
  EXPECT_EQ(limits.cpus, 2u);
  for (const char *bad : {"", "x", "-1", "99999999999999999999"}) {
    g_hash_table_insert(options, (gpointer) "watchdog_delay", (gpointer)bad);
    EXPECT_FALSE(wd_observe_limits(options, 2, &limits)) << bad;
  }
}

} // namespace
