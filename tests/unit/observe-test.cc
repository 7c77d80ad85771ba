#include "watchdog/core/machine/observe.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

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
    now_us = START;
    observe = wd_observe_new(&watcher, 3, now_us);
    appear(WD_ROLE_WORKER, "worker", WORKER);
    appear(WD_ROLE_EXTENSION, "one.ext", EXTENSION, "/o/one.ext");
    limits.enforce = TRUE;
    limits.memory_limit_bytes = 50 * MIB;
    limits.utilization_limit = 10;
    limits.latency_limit_s = 6;
    limits.respawn_limit = limits.quick_exit_s = 4;
    limits.forced_shutdown_delay_s = 4;
    limits.respawn_delay_s = 5;
    limits.max_delay_s = 600;
    limits.cpus = 1;
    set_limits();
    take();
  }

  ~Observe() override
  {
    g_array_unref(actions);
    wd_machine_free(observe);
  }

  void step(const WdInput &input)
  {
    wd_machine_step(observe, &input, now_us, actions);
  }

  void stop()
  {
    WdInput input = {};
    input.kind = WD_INPUT_STOP;
    step(input);
  }

  void set_limits()
  {
    WdInput input = {};
    input.kind = WD_INPUT_LIMITS;
    input.limits = &limits;
    step(input);
  }

  void appear(WdRole role, const char *name, gint64 pid, const char *path = "/o/p")
  {
    WdInput input = {};
    input.kind = WD_INPUT_FOUND;
    input.found = {role, name, path, pid, pid * 100, now_us, FALSE};
    step(input);
  }

  /* An extension that has ended when it is found; then it is reported gone. */
  void appear_dead(const char *name, gint64 pid)
  {
    WdInput input = {};
    input.kind = WD_INPUT_FOUND;
    input.found = {WD_ROLE_EXTENSION, name, nullptr, pid, pid * 100, now_us, TRUE};
    step(input);
    gone(pid, exited(1));
  }

  /* "name path; …" of the extensions. */
  string extensions()
  {
    string text;
    g_autoptr(GPtrArray) rows = wd_machine_status(observe, now_us, 0);
    for (guint i = WD_PROCESS_FIRST_EXTENSION; i < rows->len; i++) {
      const auto *row = (const WdProcessStatus *)g_ptr_array_index(rows, i);
      text += (text.empty() ? "" : "; ") + string(row->name) + " " +
              (row->path != nullptr ? row->path : "?");
    }
    return text;
  }

  /* @entries: pid and uuid of who is registered. @answered: they answered their pings. */
  void report(gint64 worker, const std::vector<std::pair<gint64, gint64>> &entries,
              bool answered = true)
  {
    auto *report = g_new0(WdReport, 1);
    report->kind = WD_REPORT_REGISTRATIONS;
    report->worker_pid = worker;
    report->registrations.responsive = report->registrations.listed = TRUE;
    report->registrations.schedule_read = TRUE;
    g_strlcpy(report->registrations.version, "5.23.0", sizeof report->registrations.version);
    for (const auto &[pid, uuid] : entries) {
      auto *entry = &report->registrations.extensions[report->registrations.n_extensions++];
      entry->pid = pid;
      entry->uuid = uuid;
      entry->responsive = answered;
    }
    WdInput input = {};
    input.kind = WD_INPUT_REPORT;
    input.report = report;
    step(input);
    g_free(report);
  }

  void look(gint64 pid, gint64 cpu_ms, gint64 resident_bytes)
  {
    const WdSample sample = {cpu_ms, 0, resident_bytes, WD_NONE, 1, WATCHER};
    std::vector<const WdSample *> samples(wd_machine_count(observe));
    for (guint i = 0; i < samples.size(); i++)
      if (wd_machine_pid(observe, i) == pid)
        samples[i] = &sample;
    WdInput input = {};
    input.kind = WD_INPUT_TICK;
    input.samples = samples.data();
    step(input);
  }

  void at(double seconds)
  {
    now_us = START + (gint64)(seconds * SECOND);
  }

  void gone(gint64 pid, const WdExit &how)
  {
    WdInput input = {};
    input.kind = WD_INPUT_EXITED;
    input.exited = how;
    if (wd_observe_find(observe, pid, &input.process))
      step(input);
  }

  /* Nothing more shows what led to the ends before. */
  void settle()
  {
    now_us += 2 * SECOND;
    look(0, 0, 0);
  }

  void gone(gint64 pid)
  {
    gone(pid, WdExit{WD_NONE, WD_NONE, FALSE});
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
    for (guint i = 0; i < actions->len; i++) {
      const WdAction *action = &g_array_index(actions, WdAction, i);
      const WdEvent *event = action->event;
      EXPECT_NE(action->kind, WD_ACTION_SIGNAL);
      threads += action->kind == WD_ACTION_REMEMBER_THREADS;
      if (action->kind != WD_ACTION_RECORD)
        continue;
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
      if (event->kind != WD_EVENT_RESPONSIVE && event->kind != WD_EVENT_PROCESS_STARTED)
        EXPECT_EQ(event->duration_ms, WD_NONE);
      EXPECT_NE(event->message, nullptr);
      EXPECT_EQ(string(event->message).find("(null)"), string::npos);
      EXPECT_LT(event->cause_seq, event->seq);
      EXPECT_EQ(event->seq, last_seq + 1);
      last_seq = event->seq;
      last_cause = event->cause_seq;
      last_measured = event->measured;
      last_peak = event->peak_bytes;
      last_baseline = event->baseline_bytes;
      last_delay_s = event->delay_s;
      last_details = action->details;
    }
    g_array_set_size(actions, 0);
    return text;
  }

  WdLimits limits = {};
  WdMachine *observe;
  GArray *actions = wd_actions_new();
  gint64 now_us;
  guint64 last_seq = 0, last_cause = 0;
  gint64 last_measured = 0, last_peak = 0, last_baseline = 0, last_delay_s = 0;
  gboolean last_details = FALSE; /* to be filled in */
  int threads = 0;
};

TEST_F(Observe, WhatRunsAlreadyIsInferredToHaveStarted)
{
  const WdFound watcher = {WD_ROLE_WATCHDOG, "watchdog", nullptr, WATCHER, 1, START};
  wd_machine_free(observe);
  observe = wd_observe_new(&watcher, 3, START + 5 * SECOND);
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
    settle();
    EXPECT_EQ(take(), row.event);
    appear(WD_ROLE_WORKER, "worker", WORKER);
    EXPECT_EQ(take(), "process_started worker seen");
  }
}

TEST_F(Observe, HowAProcessEndedIsLeftOpenWhenNobodySaw)
{
  at(5);
  gone(WORKER);
  settle();
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
  settle();
  EXPECT_EQ(take(),
            "limit_exceeded worker memory seen, process_exited worker signal seen signal=9");
}

/* The watcher may well find it within its limit: it measures from another baseline. */
TEST_F(Observe, WhatIsLeftOverItsLimitIsNotWatchedCloselyForEver)
{
  guint worker;
  ASSERT_TRUE(wd_observe_find(observe, WORKER, &worker));
  grow(WORKER);
  guint close_looks = 0;
  for (gint64 ms = 3600; ms < 60000; ms += 20) {
    at(ms / 1000.0);
    if (wd_machine_wants_sample(observe, worker, now_us)) {
      close_looks++;
      look(WORKER, 0, 420 * MIB);
    }
  }
  EXPECT_GT(close_looks, 300u); /* while the watcher might be ending it: 9 s */
  EXPECT_LT(close_looks, 700u); /* of 2820 */
}

/* How far it grows is seen while the watcher ends it, and no longer. */
TEST_F(Observe, HowFarItGrowsIsSeen)
{
  guint worker;
  ASSERT_TRUE(wd_observe_find(observe, WORKER, &worker));
  grow(WORKER);
  EXPECT_EQ(take(), "limit_exceeded worker memory seen");
  EXPECT_EQ(last_peak, 70 * MIB);
  EXPECT_EQ(last_baseline, 20 * MIB);
  EXPECT_TRUE(wd_machine_wants_sample(observe, worker, now_us + 50 * 1000));
  at(3.55);
  look(WORKER, 0, 420 * MIB);
  at(3.6);
  look(WORKER, 0, 30 * MIB);
  EXPECT_TRUE(wd_machine_wants_sample(observe, worker, now_us + 50 * 1000));
  at(14);
  look(WORKER, 0, 30 * MIB);
  EXPECT_FALSE(wd_machine_wants_sample(observe, worker, now_us + 50 * 1000));
  gone(WORKER, exited(0));
  settle();
  EXPECT_EQ(take(), "process_exited worker exit seen code=0");
  EXPECT_EQ(last_peak, 400 * MIB);
  EXPECT_EQ(last_baseline, 20 * MIB);
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
  set_limits();
  grow(EXTENSION);
  grow(WORKER);
  EXPECT_EQ(take(), "");
  at(61);
  look(EXTENSION, 0, 90 * MIB);
  at(64);
  look(WORKER, 0, 20 * MIB);
  at(65);
  look(WORKER, 0, 90 * MIB);
  EXPECT_EQ(take(), "limit_exceeded one.ext memory seen, limit_exceeded worker memory seen");
}

TEST_F(Observe, NothingIsJudgedBeforeTheLimitsAreKnown)
{
  const WdFound watcher = {WD_ROLE_WATCHDOG, "watchdog", nullptr, WATCHER, 1, START};
  wd_machine_free(observe);
  observe = wd_observe_new(&watcher, 3, START);
  at(0);
  appear(WD_ROLE_WORKER, "worker", WORKER);
  last_seq = 0;
  take();
  grow(WORKER);
  at(7);
  look(WORKER, 7000, 900 * MIB);
  EXPECT_EQ(take(), "");
  g_autoptr(GPtrArray) rows = wd_machine_status(observe, now_us, 0);
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
  settle();
  EXPECT_EQ(take(), "process_exited worker exit seen code=0");
}

TEST_F(Observe, ExtensionsFollowTheirWorker)
{
  at(4);
  gone(WORKER, killed(SIGKILL));
  settle();
  EXPECT_EQ(take(), "process_exited worker signal seen signal=9");
  const guint64 cause = last_seq;
  at(7);
  gone(EXTENSION, exited(1));
  EXPECT_EQ(take(), "process_exited one.ext worker_gone inferred code=1");
  EXPECT_EQ(last_cause, cause);
  appear(WD_ROLE_EXTENSION, "one.ext", 31, "/o/one.ext");
  at(8);
  gone(31, exited(1)); // began after it
  EXPECT_EQ(take(), "process_started one.ext seen, process_exited one.ext exit seen code=1");
}

TEST_F(Observe, AnExtensionThatASignalEndsFollowsNobody)
{
  at(5);
  gone(WORKER, exited(0));
  settle();
  take();
  at(8);
  gone(EXTENSION, killed(SIGKILL));
  settle();
  EXPECT_EQ(take(), "process_exited one.ext signal seen signal=9");
}

TEST_F(Observe, AWatcherThatEndsAfterTooManyQuickExitsGaveUp)
{
  limits.max_delay_s = 0;
  set_limits();
  for (int i = 1; i <= 5; i++) {
    now_us += 3 * SECOND;
    gone(WORKER, exited(1));
    if (i < 5)
      appear(WD_ROLE_WORKER, "worker", WORKER);
  }
  take();
  gone(WATCHER, exited(1));
  EXPECT_EQ(take(), "respawn_limit_reached worker exit inferred, "
                    "process_terminated one.ext request inferred interrupted, "
                    "watchdog_stopped watchdog exit seen code=1");
  EXPECT_EQ(last_cause, last_seq - 2);
}

/* At level -1 it allows a thousand. */
TEST_F(Observe, NobodyKnowsWhetherAWatcherGaveUpBeforeItsLimitsAreKnown)
{
  const WdFound watcher = {WD_ROLE_WATCHDOG, "watchdog", nullptr, WATCHER, 1, START, FALSE};
  wd_machine_free(observe);
  observe = wd_observe_new(&watcher, 3, START);
  last_seq = 0;
  for (int i = 1; i <= 5; i++) {
    appear(WD_ROLE_WORKER, "worker", WORKER);
    now_us += 3 * SECOND;
    gone(WORKER, exited(1));
  }
  take();
  gone(WATCHER, exited(1));
  EXPECT_EQ(take(), "watchdog_stopped watchdog exit seen code=1");
}

TEST_F(Observe, AWatcherThatEndsAfterFewerQuickExitsDidNot)
{
  limits.max_delay_s = 0;
  set_limits();
  for (int i = 1; i <= 5; i++) {
    now_us += (i == 2 ? 5 : 3) * SECOND;
    gone(WORKER, exited(1));
    if (i < 5)
      appear(WD_ROLE_WORKER, "worker", WORKER);
  }
  take();
  gone(WATCHER, exited(1));
  EXPECT_EQ(take(), "process_terminated one.ext request inferred interrupted, "
                    "watchdog_stopped watchdog exit seen code=1");
}

TEST_F(Observe, AWatcherOverItsMemoryLimitEndsEverything)
{
  at(3);
  look(WATCHER, 0, 20 * MIB);
  at(6);
  look(WATCHER, 9000, 20 * MIB); // its CPU time it doesn't look at
  EXPECT_EQ(take(), "");
  at(9);
  look(WATCHER, 9000, 90 * MIB);
  EXPECT_EQ(take(), "limit_exceeded watchdog memory seen");
  const guint64 cause = last_seq;
  gone(WORKER, exited(0));
  gone(EXTENSION, killed(SIGTERM));
  gone(WATCHER, exited(78));
  EXPECT_EQ(take(), "process_terminated worker request inferred code=0 graceful, "
                    "process_terminated one.ext request inferred signal=15 graceful, "
                    "watchdog_stopped watchdog exit seen code=78");
  EXPECT_EQ(last_cause, cause);
}

TEST_F(Observe, ARunIsClosedOnce)
{
  at(5);
  gone(WATCHER, killed(SIGKILL));
  EXPECT_EQ(take(), "watchdog_stopped watchdog signal seen signal=9");
  gone(WORKER, exited(0));
  stop();
  EXPECT_EQ(take(), "");
}

TEST_F(Observe, AskedToStop)
{
  stop();
  EXPECT_EQ(take(), "watchdog_stopped watchdog request seen");
}

TEST_F(Observe, LooksAsRarelyAsASupervisorAndSoonerNearALimit)
{
  at(3);
  look(WORKER, 0, 20 * MIB);
  EXPECT_EQ(wd_machine_deadline(observe), now_us + 300000 + 50 * MIB / 1000);
  limits.memory_limit_bytes = 5000 * MIB;
  set_limits();
  at(3.4);
  look(WORKER, 0, 20 * MIB);
  EXPECT_EQ(wd_machine_deadline(observe), START + 6 * SECOND);
  limits.memory_limit_bytes = 200 * MIB;
  set_limits();
  at(6);
  look(WORKER, 0, 20 * MIB);
  EXPECT_EQ(wd_machine_deadline(observe), START + 7 * SECOND); // it doesn't grow
  at(7);
  look(WORKER, 0, 120 * MIB);
  EXPECT_LE(wd_machine_deadline(observe), now_us + SECOND / 2);
  limits.memory_limit_bytes = 50 * MIB;
  set_limits();
  at(9);
  look(WORKER, 0, 45 * MIB);
  at(9.33);
  look(WORKER, 0, 65 * MIB); // 20 MiB in 0.33 s, 5 MiB away
  EXPECT_LE(wd_machine_deadline(observe), now_us + SECOND / 10);
}

TEST_F(Observe, LooksAtTheMomentsOfTheWatchersChecks)
{
  at(100);
  gone(WORKER, exited(0));
  at(101.7);
  appear(WD_ROLE_WORKER, "worker", 21);
  limits.memory_limit_bytes = 5000 * MIB;
  set_limits();
  at(101.8);
  look(21, 0, MIB);
  at(102.3);
  look(21, 0, MIB);
  EXPECT_EQ(wd_machine_deadline(observe), START + 104700 * 1000);
}

TEST_F(Observe, LooksMoreCloselyBeforeTheLastStrike)
{
  limits.memory_limit_bytes = 5000 * MIB;
  set_limits();
  at(3);
  look(WORKER, 100, 20 * MIB);
  EXPECT_EQ(wd_machine_deadline(observe), START + 6 * SECOND);
  at(6);
  look(WORKER, 2000, 20 * MIB);
  EXPECT_EQ(wd_machine_deadline(observe), START + 7 * SECOND);
  take();
  EXPECT_EQ(threads, 1); // what they used until then is remembered
}

TEST_F(Observe, ABreachIsSeenInDetailWhileItLasts)
{
  grow(WORKER);
  EXPECT_EQ(take(), "limit_exceeded worker memory seen");
  EXPECT_TRUE(last_details);
  gone(WORKER);
  EXPECT_EQ(take(), "process_terminated worker memory inferred");
  EXPECT_FALSE(last_details);
}

/* --- the watcher's back-off --- */

TEST_F(Observe, AWorkerThatIsHeldBackIsToldWhileItIs)
{
  const gint64 delays_s[] = {7, 9, 13, 21};
  gint64 pid = WORKER;
  double s = 0;
  for (gint64 delay_s : delays_s) {
    at(s += 1);
    gone(pid, exited(1));
    EXPECT_EQ(take(), "process_exited worker exit seen code=1");
    const guint64 exit = last_seq;
    EXPECT_LE(wd_machine_deadline(observe), now_us + 5 * SECOND);
    at(s + 4.9);
    look(WATCHER, 0, MIB);
    EXPECT_EQ(take(), "");
    at(s + 5.1);
    look(WATCHER, 0, MIB);
    EXPECT_EQ(take(), "respawn_delayed worker exit inferred");
    EXPECT_EQ(last_delay_s, delay_s);
    EXPECT_EQ(last_cause, exit);
    at(s += 1 + (double)delay_s);
    appear(WD_ROLE_WORKER, "worker", ++pid);
    EXPECT_EQ(take(), "process_started worker seen");
  }
  at(s += 1);
  gone(pid, exited(1));
  at(s + 10);
  look(WATCHER, 0, MIB);
  EXPECT_EQ(take(), "process_exited worker exit seen code=1"); // now it gives up
  gone(WATCHER, exited(1));
  EXPECT_EQ(take(), "respawn_limit_reached worker exit inferred, "
                    "process_terminated one.ext request inferred interrupted, "
                    "watchdog_stopped watchdog exit seen code=1");
}

/* osquery's watcher goes by the worker's age when it looks, which may be over 4 s by then. */
TEST_F(Observe, WhetherItWasHeldBackIsToldByTheNextStart)
{
  struct {
    double lived_s, away_s;
    gint64 max_delay_s;
    const char *events;
  } const rows[] = {
      {1, 8, 600, "respawn_delayed worker exit inferred, process_started worker seen"},
      {1, 1, 600, "process_started worker seen"}, // no osquery does that
      {3, 2, 600, "process_started worker seen"}, // 5 s old when it was looked at
      {3, 3.5, 600, "process_started worker seen"},
      {1, 2.5, 1, "respawn_delayed worker exit inferred, process_started worker seen"},
      {3.5, 2.9, 1, "process_started worker seen"}, // 5.4 s old when it was looked at
      {30, 20, 600, "process_started worker seen"},
  };
  gint64 pid = WORKER;
  double s = 0;
  for (const auto &row : rows) {
    limits.max_delay_s = row.max_delay_s;
    set_limits();
    at(s += row.lived_s);
    gone(pid, exited(1));
    take();
    at(s += row.away_s);
    appear(WD_ROLE_WORKER, "worker", ++pid);
    EXPECT_EQ(take(), row.events) << row.lived_s << " " << row.away_s;
  }
}

TEST_F(Observe, AWatcherThatMayBeBusyWithSomebodyElseHoldsNobodyBack)
{
  limits.enforce_extensions = TRUE;
  set_limits();
  grow(EXTENSION);
  EXPECT_EQ(take(), "limit_exceeded one.ext memory seen");
  gone(WORKER, exited(1)); // at 3.5 s
  take();
  at(8);
  look(WATCHER, 0, MIB);
  EXPECT_EQ(take(), "");
  at(9.5);
  gone(EXTENSION, killed(SIGKILL));
  appear(WD_ROLE_WORKER, "worker", 21);
  EXPECT_EQ(take(), "process_terminated one.ext memory inferred signal=9 killed, "
                    "process_started worker seen");
}

/* --- what only an extension can see --- */

TEST_F(Observe, RegistrationsAreRecordedAsASupervisorDoes)
{
  report(WORKER, {{EXTENSION, 7}});
  EXPECT_EQ(take(), "extension_registered one.ext seen");
  report(WORKER, {{EXTENSION, 7}});
  EXPECT_EQ(take(), "");
  {
    g_autoptr(GPtrArray) rows = wd_machine_status(observe, now_us, 0);
    const auto *worker = (const WdProcessStatus *)g_ptr_array_index(rows, 1);
    const auto *extension = (const WdProcessStatus *)g_ptr_array_index(rows, 2);
    EXPECT_EQ(worker->responsive, 1);
    EXPECT_STREQ(worker->version, "5.23.0");
    EXPECT_EQ(extension->registered, 1);
    EXPECT_EQ(extension->uuid, 7);
    EXPECT_EQ(extension->responsive, 1);
  }
  at(3);
  report(WORKER, {});
  EXPECT_EQ(take(), "extension_unregistered one.ext registration seen");
  report(99, {{EXTENSION, 7}}); // of another worker
  EXPECT_EQ(take(), "");
  report(WORKER, {{EXTENSION, 8}});
  take();
  at(5);
  gone(WORKER, killed(SIGKILL));
  {
    g_autoptr(GPtrArray) rows = wd_machine_status(observe, now_us, 0);
    const auto *extension = (const WdProcessStatus *)g_ptr_array_index(rows, 2);
    EXPECT_EQ(extension->registered, FALSE);
    EXPECT_EQ(extension->uuid, WD_NONE);
  }
  settle();
  EXPECT_EQ(take(), "process_exited worker signal seen signal=9, "
                    "extension_unregistered one.ext worker_gone inferred");
  EXPECT_EQ(last_cause, last_seq - 1);
}

TEST_F(Observe, WhenReportsStayAwayNothingIsClaimed)
{
  report(WORKER, {{EXTENSION, 7}});
  at(30);
  g_autoptr(GPtrArray) rows = wd_machine_status(observe, now_us, 0);
  const auto *extension = (const WdProcessStatus *)g_ptr_array_index(rows, 2);
  EXPECT_EQ(extension->registered, WD_NONE);
  EXPECT_EQ(extension->uuid, WD_NONE);
}

TEST_F(Observe, AnExtensionThatStopsAnsweringIsRecordedAndLeftAlone)
{
  report(WORKER, {{EXTENSION, 7}});
  take();
  const char *const events[] = {"", "unresponsive one.ext seen", "", ""};
  for (int i = 0; i < 4; i++) {
    at(3 + 3 * i);
    report(WORKER, {{EXTENSION, 7}}, false);
    EXPECT_EQ(take(), events[i]) << i;
  }
  at(15);
  report(WORKER, {{EXTENSION, 7}});
  EXPECT_EQ(take(), "responsive one.ext seen");
  EXPECT_EQ(last_cause, last_seq - 1);
}

TEST_F(Observe, ADenylistedQueryIsToldWithTheDeathThatLedToIt)
{
  at(3);
  report(WORKER, {});
  take();
  gone(WORKER, killed(SIGKILL));
  settle();
  take();
  const guint64 death = last_seq;
  at(6);
  appear(WD_ROLE_WORKER, "worker", 21);
  take();
  auto *report = g_new0(WdReport, 1);
  report->kind = WD_REPORT_DENYLISTED;
  report->worker_pid = 21;
  g_strlcpy(report->denylisted.name, "heavy", sizeof report->denylisted.name);
  WdInput input = {};
  input.kind = WD_INPUT_REPORT;
  input.report = report;
  for (int i = 0; i < 2; i++)
    step(input);
  g_free(report);
  EXPECT_EQ(take(), "query_denylisted worker seen");
  EXPECT_EQ(last_cause, death);
}

/* --- ends whose cause comes after them --- */

/* A core shuts its extensions down before it ends itself. */
TEST_F(Observe, AnExtensionThatItsDyingWorkerShutDownFollowsIt)
{
  struct {
    double between_s;
    WdExit worker, extension;
    const char *events;
  } const rows[] = {
      {0.1, exited(0), exited(0),
       "process_exited worker exit seen code=0, "
       "process_exited one.ext worker_gone inferred code=0, "
       "extension_unregistered one.ext worker_gone inferred"},
      {1.9, killed(SIGSEGV), exited(1), // registered, so it was told
       "process_exited worker signal seen signal=11, "
       "process_exited one.ext worker_gone inferred code=1, "
       "extension_unregistered one.ext worker_gone inferred"},
      {0.1, exited(0), killed(SIGTERM), // by somebody
       "process_exited worker exit seen code=0, "
       "process_exited one.ext signal seen signal=15, "
       "extension_unregistered one.ext signal inferred"},
      {2.1, exited(0), exited(0), // by itself
       "process_exited one.ext exit seen code=0, "
       "extension_unregistered one.ext exit inferred, process_exited worker exit seen code=0"},
  };
  gint64 worker = WORKER, extension = EXTENSION;
  for (const auto &row : rows) {
    report(worker, {{extension, 7}});
    take();
    now_us += 20 * SECOND;
    gone(extension, row.extension);
    const gint64 ended_us = now_us;
    EXPECT_EQ(take(), "");
    EXPECT_LE(wd_machine_deadline(observe), now_us + 2 * SECOND);
    for (int i = 0; i < 10; i++) {
      now_us += (gint64)(row.between_s * SECOND / 10);
      look(0, 0, 0);
    }
    gone(worker, row.worker);
    now_us = MAX(now_us, ended_us + 2 * SECOND);
    settle();
    EXPECT_EQ(take(), row.events) << row.between_s;
    now_us += 20 * SECOND;
    appear(WD_ROLE_WORKER, "worker", ++worker);
    appear(WD_ROLE_EXTENSION, "one.ext", ++extension + 100, "/o/one.ext");
    extension += 100;
    take();
  }
}

/* It may be in the middle of a query until its grace time is over. */
TEST_F(Observe, AWorkerOverItsLimitShutsItsExtensionsDownBefore)
{
  report(WORKER, {{EXTENSION, 7}});
  grow(WORKER);
  take();
  gone(EXTENSION, exited(0));
  at(8);
  look(WORKER, 0, 90 * MIB);
  EXPECT_EQ(take(), "");
  gone(WORKER, killed(SIGKILL));
  EXPECT_EQ(take(), "process_terminated worker memory inferred signal=9 killed, "
                    "process_exited one.ext worker_gone inferred code=0, "
                    "extension_unregistered one.ext worker_gone inferred");
  EXPECT_EQ(last_cause, last_seq - 1);
}

TEST_F(Observe, WhatIsStartedAgainWaitsForNoCause)
{
  gone(EXTENSION, exited(0));
  EXPECT_EQ(take(), "");
  appear(WD_ROLE_EXTENSION, "one.ext", 31, "/o/one.ext");
  EXPECT_EQ(take(), "process_exited one.ext exit seen code=0, process_started one.ext seen");
  at(10);
  gone(WORKER, exited(0));
  gone(31, exited(0));
  appear(WD_ROLE_WORKER, "worker", 21);
  EXPECT_EQ(take(), "process_exited worker exit seen code=0, "
                    "process_exited one.ext worker_gone inferred code=0, "
                    "process_started worker seen");
}

/* --- a watcher that stops --- */

TEST_F(Observe, AWatcherThatStopsEndsItsChildren)
{
  gone(EXTENSION, killed(SIGTERM));
  gone(WORKER, exited(0));
  gone(WATCHER, exited(0));
  EXPECT_EQ(take(), "process_terminated worker request inferred code=0 graceful, "
                    "process_terminated one.ext request inferred signal=15 graceful, "
                    "watchdog_stopped watchdog exit seen code=0");
  g_autoptr(GPtrArray) rows = wd_machine_status(observe, now_us, 0);
  for (guint i = 0; i < rows->len; i++) {
    const auto *row = (const WdProcessStatus *)g_ptr_array_index(rows, i);
    EXPECT_EQ(row->state, WD_STATE_STOPPED);
    EXPECT_EQ(row->pid, WD_NONE);
  }
}

TEST_F(Observe, WhatStillLivesWhenAWatcherStopsEndsByItToo)
{
  gone(WORKER, killed(SIGKILL));
  stop();
  EXPECT_EQ(take(), "process_terminated worker request inferred signal=9 killed, "
                    "process_terminated one.ext request inferred interrupted, "
                    "watchdog_stopped watchdog request seen");
}

TEST_F(Observe, HowAChildEndedNeedNotBeSeen)
{
  gone(EXTENSION);
  gone(WORKER);
  stop();
  EXPECT_EQ(take(), "process_terminated worker request inferred, "
                    "process_terminated one.ext request inferred, "
                    "watchdog_stopped watchdog request seen");
}

/* It may have been killed. */
TEST_F(Observe, AWatcherWhoseEndIsNotSeenEndsNobody)
{
  gone(WORKER);
  gone(WATCHER);
  EXPECT_EQ(take(), "process_exited worker seen, watchdog_stopped watchdog seen");
}

/* Its worker notices that later, and ends by itself. */
TEST_F(Observe, AWatcherThatIsKilledEndsNobody)
{
  gone(EXTENSION, killed(SIGTERM));
  gone(WATCHER, killed(SIGKILL));
  EXPECT_EQ(take(), "process_exited one.ext signal seen signal=15, "
                    "watchdog_stopped watchdog signal seen signal=9");
}

TEST_F(Observe, WhoeverIsAskedToStopAloneEndsNobody)
{
  gone(EXTENSION, killed(SIGTERM));
  stop();
  EXPECT_EQ(take(), "process_exited one.ext signal seen signal=15, "
                    "watchdog_stopped watchdog request seen");
}

TEST_F(Observe, AnEndThatNoStopLeadsToIsOnlyAnExit)
{
  gone(EXTENSION, killed(SIGSEGV));
  gone(WORKER, exited(78));
  gone(WATCHER, exited(78));
  EXPECT_EQ(take(), "process_exited one.ext signal seen signal=11, "
                    "process_exited worker exit seen code=78, "
                    "watchdog_stopped watchdog exit seen code=78");
  EXPECT_EQ(last_cause, last_seq - 1);
}

TEST_F(Observe, TheLastOfTooManyQuickExitsIsTheWorkersOwn)
{
  limits.max_delay_s = 0;
  set_limits();
  for (int i = 1; i <= 5; i++) {
    now_us += 3 * SECOND;
    gone(WORKER, exited(0));
    if (i < 5)
      appear(WD_ROLE_WORKER, "worker", WORKER);
  }
  take();
  gone(WATCHER, exited(1));
  EXPECT_EQ(take(), "process_exited worker exit seen code=0, "
                    "respawn_limit_reached worker exit inferred, "
                    "process_terminated one.ext request inferred interrupted, "
                    "watchdog_stopped watchdog exit seen code=1");
}

/* --- names --- */

TEST_F(Observe, ExtensionsThatShareANameAreToldApart)
{
  appear(WD_ROLE_EXTENSION, "one.ext", 31, "/q/one.ext");
  appear(WD_ROLE_EXTENSION, "one.ext", 32, "/q/one.ext");
  appear(WD_ROLE_EXTENSION, "script", 33, nullptr);
  appear(WD_ROLE_EXTENSION, "script", 34, nullptr);
  EXPECT_EQ(take(), "process_started /q/one.ext seen, process_started one.ext (2) seen, "
                    "process_started script seen, process_started script (1) seen");
  for (gint64 pid : {EXTENSION, (gint64)31, (gint64)34})
    gone(pid, exited(1));
  take();
  appear(WD_ROLE_EXTENSION, "one.ext", 41, "/q/one.ext");
  appear(WD_ROLE_EXTENSION, "script", 44, nullptr);
  appear(WD_ROLE_EXTENSION, "one.ext", 40, "/o/one.ext");
  EXPECT_EQ(take(), "process_started /q/one.ext seen, process_started script (1) seen, "
                    "process_started one.ext seen");
}

constexpr char SEEN_DEAD[] =
    "process_started one.ext seen, process_exited one.ext exit seen code=1";

/* The core refuses it while it still lists the one before. */
TEST_F(Observe, OneThatEndsBeforeItIsSeenIsTheOneOfItsName)
{
  gone(EXTENSION, killed(SIGKILL));
  settle();
  take();
  for (gint64 pid : {31, 32}) {
    appear_dead("one.ext", pid);
    EXPECT_EQ(take(), SEEN_DEAD);
  }
  appear(WD_ROLE_EXTENSION, "one.ext", 33, "/o/one.ext");
  EXPECT_EQ(take(), "process_started one.ext seen");
  EXPECT_EQ(extensions(), "one.ext /o/one.ext");
}

TEST_F(Observe, OneThatWasOnlySeenDeadLearnsItsPath)
{
  appear_dead("two.ext", 31);
  EXPECT_EQ(extensions(), "one.ext /o/one.ext; two.ext ?");
  appear_dead("two.ext", 32);
  appear(WD_ROLE_EXTENSION, "two.ext", 33, "/o/two.ext");
  EXPECT_EQ(extensions(), "one.ext /o/one.ext; two.ext /o/two.ext");
}

TEST_F(Observe, ADeadOneIsKnownByAsMuchOfItsNameAsTheKernelKeeps)
{
  appear(WD_ROLE_EXTENSION, "long-extension-name.ext", 31, "/o/long-extension-name.ext");
  gone(31, exited(1));
  appear_dead("long-extension-", 32);
  EXPECT_EQ(extensions(), "one.ext /o/one.ext; long-extension-name.ext /o/long-extension-name.ext");
}

TEST_F(Observe, ADeadOneThatMayBeAnyOfSeveralIsNotRecorded)
{
  appear_dead("one.ext", 31); // the only one that is known runs
  EXPECT_EQ(take(), "");
  appear(WD_ROLE_EXTENSION, "one.ext", 32, "/q/one.ext");
  gone(32, exited(1));
  take();
  appear_dead("one.ext", 33); // the only one that doesn't run
  EXPECT_EQ(take(), "process_started /q/one.ext seen, process_exited /q/one.ext exit seen code=1");
  gone(EXTENSION, exited(1));
  take();
  appear_dead("one.ext", 34);
  EXPECT_EQ(take(), "");
  EXPECT_EQ(extensions(), "one.ext /o/one.ext; /q/one.ext /q/one.ext");
}

/* As a link that leads to another version. */
TEST_F(Observe, AnUpgradeThatHidesThePathIsTheSameExtension)
{
  gone(EXTENSION, exited(0));
  appear(WD_ROLE_EXTENSION, "one.ext", 31, nullptr);
  gone(31, exited(0));
  appear(WD_ROLE_EXTENSION, "one.ext", 32, "/o/one.ext");
  EXPECT_EQ(extensions(), "one.ext /o/one.ext");
}

TEST_F(Observe, TheStatusCounts)
{
  grow(WORKER);
  gone(WORKER, killed(SIGKILL));
  appear(WD_ROLE_WORKER, "worker", 21);
  look(21, 40, 20 * MIB);
  g_autoptr(GPtrArray) rows = wd_machine_status(observe, now_us, 0);
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

} // namespace
