/* The life of one process: limits, its ending in stages, and what each event tells. */
#include "tests/unit/machine.h"

#include <memory>

namespace
{

/* A worker of 10 MB, running for 4 s: the first regular check, at 3 s, took its baseline. */
class LifecycleTest : public testing::Test
{
protected:
  void begin(const WdLimits &limits = normal_limits(), const std::vector<std::string> &names = {})
  {
    machine = std::make_unique<Machine>(limits, names);
    machine->boot();
    EXPECT_EQ(machine->act("wait 4"), "");
  }

  const WdEvent *last(WdEventKind kind)
  {
    return machine->last(kind);
  }

  std::unique_ptr<Machine> machine;
};

TEST_F(LifecycleTest, MemoryGraceful)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"stored", ""},
      {"wait 0.5", ""},
      {"exited worker 0", "process_terminated worker memory, spawn worker"},
      {"spawned worker", "process_started worker"},
  });
  const gint64 measured = 300 * kMegabyte, limit = 200 * kMegabyte;
  const gint64 lived_ms = machine->now_us / 1000 - 1000 * 1000;

  const WdEvent *breach = last(WD_EVENT_LIMIT_EXCEEDED);
  EXPECT_EQ(breach->pid, 1001);
  EXPECT_EQ(breach->measured, measured);
  EXPECT_EQ(breach->limit_value, limit);
  EXPECT_EQ(breach->unit, WD_UNIT_BYTES);
  EXPECT_TRUE(std::isnan(breach->utilization));
  EXPECT_EQ(breach->utilization_limit, WD_NONE);
  EXPECT_EQ(breach->sustained_s, WD_NONE);
  EXPECT_EQ(breach->lifetime_ms, lived_ms - 500);
  EXPECT_EQ(breach->outcome, WD_OUTCOME_NONE);
  EXPECT_STREQ(breach->message, "osqueryd worker (1001) stopping: Memory limits exceeded: "
                                "314572800 bytes (limit is 200MB)");

  const WdEvent *ended = last(WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(ended->pid, 1001);
  EXPECT_EQ(ended->role, WD_ROLE_WORKER);
  EXPECT_STREQ(ended->name, "worker");
  EXPECT_STREQ(ended->path, "/opt/osqueryd");
  EXPECT_EQ(ended->cause_seq, breach->seq);
  EXPECT_EQ(ended->measured, measured);
  EXPECT_EQ(ended->limit_value, limit);
  EXPECT_EQ(ended->unit, WD_UNIT_BYTES);
  EXPECT_EQ(ended->outcome, WD_OUTCOME_GRACEFUL);
  EXPECT_EQ(ended->exit_code, 0);
  EXPECT_EQ(ended->exit_signal, WD_NONE);
  EXPECT_EQ(ended->signals_sent, WD_SIGNALS_USR1 | WD_SIGNALS_TERM);
  EXPECT_EQ(ended->duration_ms, 500);
  EXPECT_EQ(ended->lifetime_ms, lived_ms);
  EXPECT_EQ(ended->restarts, 0);

  EXPECT_EQ(last(WD_EVENT_PROCESS_STARTED)->restarts, 1);
  EXPECT_EQ(last(WD_EVENT_PROCESS_STARTED)->pid, 1002);
  EXPECT_EQ(machine->status("worker")["terminations"], "1");
  EXPECT_EQ(machine->status("worker")["quick_exits"], "0");

  /* The next one's death has nothing to do with it. */
  machine->play({{"killed worker 11", "process_exited worker signal, respawn_delayed worker "
                                      "signal"}});
  EXPECT_EQ(last(WD_EVENT_PROCESS_EXITED)->cause_seq, 0u);
}

TEST_F(LifecycleTest, CpuKilled)
{
  begin();
  machine->play({
      {"wait 2", ""},
      {"cpu worker 50", ""},
      {"wait 12", "@12 limit_exceeded worker cpu ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"wait 5", "@4 log, KILL worker"},
      {"killed worker 9", "process_terminated worker cpu, spawn worker"},
  });
  EXPECT_EQ(machine->last_log(),
            "osqueryd worker (1001) could not be stopped. Sending kill signal.");
  for (WdEventKind kind : {WD_EVENT_LIMIT_EXCEEDED, WD_EVENT_PROCESS_TERMINATED}) {
    const WdEvent *event = last(kind);
    EXPECT_EQ(event->measured, 3000); /* half of two CPUs for 3 s */
    EXPECT_EQ(event->limit_value, 600);
    EXPECT_EQ(event->unit, WD_UNIT_MS);
    EXPECT_DOUBLE_EQ(event->utilization, 50.0);
    EXPECT_EQ(event->utilization_limit, 10);
    EXPECT_EQ(event->sustained_s, 12);
  }
  EXPECT_STREQ(last(WD_EVENT_LIMIT_EXCEEDED)->message,
               "osqueryd worker (1001) stopping: Maximum sustainable CPU utilization limit 600ms "
               "exceeded for 12 seconds");
  const WdEvent *ended = last(WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(ended->outcome, WD_OUTCOME_KILLED);
  EXPECT_EQ(ended->exit_code, WD_NONE);
  EXPECT_EQ(ended->exit_signal, 9);
  EXPECT_EQ(ended->signals_sent, WD_SIGNALS_USR1 | WD_SIGNALS_TERM | WD_SIGNALS_KILL);
  EXPECT_EQ(ended->duration_ms, 5000);
}

TEST_F(LifecycleTest, CpuIsForgivenWhenItEasesInTime)
{
  begin();
  machine->play({
      {"wait 2", ""},
      {"cpu worker 50", ""},
      {"wait 9", ""},
      {"cpu worker 1", ""},
      {"wait 3", ""},
      {"cpu worker 50", ""},
      {"wait 15", "@12 limit_exceeded worker cpu ack, @12.02 USR1 worker, TERM worker"},
  });
}

TEST_F(LifecycleTest, SignalsWaitNoLongerThanTheirTime)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"wait 0.019", ""},
      {"tick", ""},
      {"wait 0.001", "@0.001 USR1 worker, TERM worker"},
  });
}

TEST_F(LifecycleTest, OnlyTheRightAcknowledgementCounts)
{
  begin();
  machine->play({{"memory worker 310", ""}, {"next", "limit_exceeded worker memory ack"}});
  WdInput input = {};
  input.kind = WD_INPUT_STORED;
  input.seq = last(WD_EVENT_LIMIT_EXCEEDED)->seq - 1;
  g_autoptr(GArray) actions = wd_actions_new();
  wd_machine_step(machine->get(), &input, machine->now_us, actions);
  EXPECT_EQ(actions->len, 0u);
}

TEST_F(LifecycleTest, WithoutDelayKilledAtOnce)
{
  WdLimits limits = normal_limits();
  limits.forced_shutdown_delay_s = 0;
  begin(limits, {"a"});
  machine->play({
      {"memory worker 310", ""},
      {"memory a 310", ""},
      {"next", "limit_exceeded worker memory ack, limit_exceeded a memory ack"},
      {"stored", "USR1 worker, KILL worker, KILL a"},
      {"killed worker 9", "process_terminated worker memory, spawn worker"},
      {"killed a 9", "process_terminated a memory"},
  });
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->signals_sent, unsigned{WD_SIGNALS_KILL});
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->outcome, WD_OUTCOME_KILLED);
}

/* SIGUSR1 makes osqueryd denylist its query; an extension may well die of it. */
TEST_F(LifecycleTest, ExtensionsGetNoUsr1)
{
  begin(normal_limits(), {"a"});
  machine->play({
      {"memory a 310", ""},
      {"next", "limit_exceeded a memory ack"},
      {"stored", "TERM a"},
      {"exited a 0", "process_terminated a memory"},
      {"wait 3.5", "@3.5 spawn a"},
  });
  EXPECT_STREQ(last(WD_EVENT_LIMIT_EXCEEDED)->message,
               "osquery extension /ext/a (1002) stopping: Memory limits exceeded: 314572800 bytes "
               "(limit is 200MB)");
}

TEST_F(LifecycleTest, GoneByItselfBeforeTheFirstSignal)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"wait 0.01", ""},
      {"killed worker 11", "process_exited worker signal, spawn worker"},
      {"stored", ""},
  });
  const WdEvent *exited = last(WD_EVENT_PROCESS_EXITED);
  EXPECT_EQ(exited->cause_seq, last(WD_EVENT_LIMIT_EXCEEDED)->seq);
  EXPECT_EQ(exited->signals_sent, unsigned{WD_SIGNALS_NONE});
  EXPECT_EQ(exited->exit_signal, 11);
  EXPECT_EQ(exited->exit_code, WD_NONE);
  EXPECT_EQ(exited->lifetime_ms, last(WD_EVENT_LIMIT_EXCEEDED)->lifetime_ms + 10);
  EXPECT_EQ(machine->status("worker")["terminations"], "0");
}

/* An exit's code and a signal are kept apart, and the kernel's killing for want of memory from
 * others'. */
TEST_F(LifecycleTest, HowItEndedIsToldInFull)
{
  const struct {
    const char *end;
    const char *actions;
    gint64 code;
    gint64 signal;
  } cases[] = {
      {"exited worker 0", "process_exited worker exit, spawn worker", 0, WD_NONE},
      {"exited worker 9", "process_exited worker exit, spawn worker", 9, WD_NONE},
      {"killed worker 9", "process_exited worker signal, spawn worker", WD_NONE, 9},
      {"killed worker 11", "process_exited worker signal, spawn worker", WD_NONE, 11},
      {"oom worker", "process_exited worker oom, spawn worker", WD_NONE, 9},
  };
  begin();
  for (const auto &c : cases) {
    machine->act("wait 60");
    EXPECT_EQ(machine->act(c.end), c.actions);
    EXPECT_EQ(last(WD_EVENT_PROCESS_EXITED)->exit_code, c.code) << c.end;
    EXPECT_EQ(last(WD_EVENT_PROCESS_EXITED)->exit_signal, c.signal) << c.end;
    machine->act("spawned worker");
  }
}

/* --- what keeps growing while it is being ended --- */

TEST_F(LifecycleTest, WhatGrowsOnIsKilledAtOnce)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"memory worker 410", ""}, /* of 200, less the baseline of 10: twice the limit, no more */
      {"wait 0.1", ""},
      {"memory worker 411", ""},
      {"wait 0.1", "@0.02 log, KILL worker"},
      {"memory worker 500", ""}, /* it isn't gone at once */
      {"wait 0.05", ""},
      {"killed worker 9", "process_terminated worker memory, spawn worker"},
  });
  EXPECT_EQ(machine->last_log(), "osqueryd worker (1001) keeps growing while it is being stopped: "
                                 "420478976 bytes. Sending kill signal.");
  const WdEvent *ended = last(WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(ended->outcome, WD_OUTCOME_KILLED);
  EXPECT_EQ(ended->signals_sent, WD_SIGNALS_USR1 | WD_SIGNALS_TERM | WD_SIGNALS_KILL);
  EXPECT_EQ(ended->measured, 300 * kMegabyte);
  EXPECT_STREQ(ended->details, "{\"grace_cut_at_bytes\":420478976}");
  EXPECT_STREQ(ended->message,
               "osqueryd worker (1001) stopped: memory after 250 ms (killed; sent USR1,TERM,KILL; "
               "its grace time was cut short because it grew to 420478976 bytes)");
}

TEST_F(LifecycleTest, EveryEndTellsThePeakAndWhatItWasCountedFrom)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"memory worker 350", ""},
      {"wait 0.1", ""},
      {"memory worker 20", ""},
      {"wait 0.1", ""},
  });
  EXPECT_EQ(last(WD_EVENT_LIMIT_EXCEEDED)->peak_bytes, 300 * kMegabyte);
  EXPECT_EQ(last(WD_EVENT_LIMIT_EXCEEDED)->baseline_bytes, 10 * kMegabyte);
  EXPECT_EQ(machine->status("worker")["peak_footprint"], std::to_string(340 * kMegabyte));
  machine->play({{"exited worker 0", "process_terminated worker memory, spawn worker"}});
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->measured, 300 * kMegabyte);
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->peak_bytes, 340 * kMegabyte);
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->baseline_bytes, 10 * kMegabyte);

  machine->play({
      {"spawned worker", "process_started worker"},
      {"wait 6", ""},
      {"memory worker 60", ""},
      {"wait 4", ""},
      {"memory worker 40", ""},
      {"wait 4", ""},
      {"killed worker 11", "process_exited worker signal, spawn worker"},
  });
  EXPECT_EQ(last(WD_EVENT_PROCESS_EXITED)->peak_bytes, 50 * kMegabyte);
  EXPECT_EQ(last(WD_EVENT_PROCESS_EXITED)->baseline_bytes, 10 * kMegabyte);

  machine->play({
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
  });
  EXPECT_EQ(last(WD_EVENT_PROCESS_EXITED)->peak_bytes, WD_NONE) << "it wasn't looked at";
  EXPECT_EQ(last(WD_EVENT_PROCESS_EXITED)->baseline_bytes, WD_NONE);
}

TEST_F(LifecycleTest, OnlyGrowthHasABaseline)
{
  WdLimits limits = normal_limits();
  limits.memory_metric = WD_METRIC_RESIDENT;
  limits.dry_run = TRUE;
  begin(limits);
  machine->play({{"memory worker 310", ""}, {"next", "would_terminate worker memory"}});
  EXPECT_EQ(last(WD_EVENT_WOULD_TERMINATE)->peak_bytes, 310 * kMegabyte);
  EXPECT_EQ(last(WD_EVENT_WOULD_TERMINATE)->baseline_bytes, WD_NONE);
}

/* Though it is far over the limit already: it has shown no more than that. */
TEST_F(LifecycleTest, WhatStopsGrowingKeepsItsGrace)
{
  begin(normal_limits(), {"a"});
  machine->play({
      {"memory a 900", ""},
      {"next", "limit_exceeded a memory ack"},
      {"stored", "TERM a"},
      {"memory a 890", ""},
      {"wait 5", "@4 log, KILL a"},
      {"killed a 9", "process_terminated a memory"},
  });
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->details, nullptr);
}

/* No signal before the record, but the first one may then be the last. */
TEST_F(LifecycleTest, WhatGrowsBeforeTheFirstSignalGetsNoOther)
{
  begin(normal_limits(), {"a"});
  machine->play({
      {"memory worker 500", ""},
      {"memory a 500", ""},
      {"next", "limit_exceeded worker memory ack, limit_exceeded a memory ack"},
      {"memory worker 600", ""},
      {"memory a 600", ""},
      {"wait 0.019", ""},
      {"next", "USR1 worker, log, KILL worker, log, KILL a"},
      {"killed worker 9", "process_terminated worker memory, spawn worker"},
      {"killed a 9", "process_terminated a memory"},
  });
  const WdEvent *ended = last(WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(ended->signals_sent, unsigned{WD_SIGNALS_KILL});
  EXPECT_STREQ(ended->message,
               "osquery extension /ext/a (1002) stopped: memory after 0 ms (killed; sent KILL; its "
               "grace time was cut short because it grew to 618659840 bytes)");
}

TEST_F(LifecycleTest, GraceIsWholeWithoutAGraceLimit)
{
  WdLimits limits = normal_limits();
  limits.grace_limit_percent = 0;
  begin(limits);
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"memory worker 2000", ""},
      {"wait 4.5", "@4 log, KILL worker"},
  });
}

/* Being ended for another reason, or for all of it to stop. */
TEST_F(LifecycleTest, GraceIsCutShortForMemoryOnly)
{
  begin();
  machine->play({
      {"stop", "TERM worker"},
      {"memory worker 2000", ""},
      {"wait 12", "@11 log, KILL worker"},
  });
}

/* The first regular check, which takes the baseline, would make all of it the baseline. */
TEST_F(LifecycleTest, WhatIsBeingEndedKeepsItsBaseline)
{
  machine = std::make_unique<Machine>(normal_limits());
  machine->boot();
  machine->play({
      {"wait 2.5", ""},
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"memory worker 400", ""},
      {"wait 0.4", ""},
      {"memory worker 420", ""},
      {"next", "log, KILL worker"},
  });
}

TEST_F(LifecycleTest, AReloadChangesTheGraceLimit)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"memory worker 350", ""},
      {"wait 1", ""},
  });
  machine->limits.grace_limit_percent = 150;
  machine->play({{"settings", "settings_changed watchdog request, log, KILL worker"}});
}

TEST_F(LifecycleTest, StuckIsReportedAndNeverRespawnedBeside)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stored", "USR1 worker, TERM worker"},
      {"wait 6", "@4 log, KILL worker, @6 termination_stuck worker memory"},
      {"wait 600", ""},
  });
  EXPECT_EQ(machine->status("worker")["state"], "stuck");
  const WdEvent *stuck = last(WD_EVENT_TERMINATION_STUCK);
  EXPECT_EQ(stuck->pid, 1001);
  EXPECT_EQ(stuck->cause_seq, last(WD_EVENT_LIMIT_EXCEEDED)->seq);
  EXPECT_EQ(stuck->signals_sent, WD_SIGNALS_USR1 | WD_SIGNALS_TERM | WD_SIGNALS_KILL);
  EXPECT_EQ(stuck->duration_ms, 6000);
  EXPECT_STREQ(stuck->message, "Watcher cannot stop worker process (1001).");
  machine->play({{"killed worker 9", "process_terminated worker memory, spawn worker"}});
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->outcome, WD_OUTCOME_STUCK);
  EXPECT_EQ(last(WD_EVENT_PROCESS_TERMINATED)->duration_ms, 606000);
}

TEST_F(LifecycleTest, LimitKillsBackOffFromTheThird)
{
  begin();
  const char *delays[] = {nullptr,
                          nullptr,
                          "@5 spawn worker",
                          "@10 spawn worker",
                          "@20 spawn worker",
                          "@40 spawn worker",
                          "@60 spawn worker",
                          "@60 spawn worker"};
  for (const char *delay : delays) {
    SCOPED_TRACE(delay != nullptr ? delay : "at once");
    machine->act("memory worker 310");
    machine->act("wait 6");
    if (delay == nullptr) {
      EXPECT_EQ(machine->act("killed worker 9"), "process_terminated worker memory, spawn worker");
    } else {
      EXPECT_EQ(machine->act("killed worker 9"),
                "process_terminated worker memory, respawn_delayed worker memory");
      EXPECT_EQ(last(WD_EVENT_RESPAWN_DELAYED)->cause_seq, last(WD_EVENT_PROCESS_TERMINATED)->seq);
      EXPECT_EQ(machine->act("wait 60"), delay);
    }
    machine->act("spawned worker");
    machine->act("wait 6");
  }
  EXPECT_EQ(machine->count(WD_EVENT_RESPAWN_LIMIT_REACHED), 0u);
  /* Forgiven after ten minutes within the limits. */
  machine->act("wait 600");
  machine->act("memory worker 310");
  machine->act("wait 6");
  EXPECT_EQ(machine->act("killed worker 9"), "process_terminated worker memory, spawn worker");
}

/* --- what is watched --- */

TEST_F(LifecycleTest, NothingBeforeTheDelayAndAllOfItAtItsEnd)
{
  WdLimits limits = normal_limits();
  limits.watchdog_delay_s = 31; /* between two regular checks */
  begin(limits, {"a"});
  machine->play({
      {"memory worker 310", ""},
      {"memory a 310", ""},
      {"wait 28", "@27 limit_exceeded worker memory ack, limit_exceeded a memory ack, "
                  "@27.02 USR1 worker, TERM worker, TERM a"},
  });
}

/* osquery doesn't look at those after the first. */
TEST_F(LifecycleTest, EveryExtensionIsLookedAtDuringTheDelay)
{
  WdLimits limits = normal_limits();
  limits.watchdog_delay_s = 31;
  begin(limits, {"a", "b", "c"});
  machine->play({{"memory b 110", ""}, {"memory c 60", ""}, {"wait 3", ""}});
  EXPECT_EQ(machine->status("b")["footprint"], std::to_string(100 * kMegabyte));
  EXPECT_EQ(machine->status("c")["footprint"], std::to_string(50 * kMegabyte));
  EXPECT_EQ(machine->status("c")["enforced"], "0");
}

/* For extensions too, which may be older than the worker. */
TEST_F(LifecycleTest, TheDelayRunsAnewFromEachStartOfTheWorker)
{
  WdLimits limits = normal_limits();
  limits.watchdog_delay_s = 31;
  begin(limits, {"a"});
  machine->play({
      {"wait 100", ""},
      {"killed worker 11", "process_exited worker signal, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"memory a 310", ""},
      {"wait 32", "@31 limit_exceeded a memory ack, @31.02 TERM a"},
  });
}

TEST_F(LifecycleTest, CpuStrikesAccrueDuringTheDelay)
{
  WdLimits limits = normal_limits();
  limits.watchdog_delay_s = 31;
  begin(limits);
  machine->play({
      {"cpu worker 90", ""},
      {"wait 30", "@29 limit_exceeded worker cpu ack, @29.02 USR1 worker, TERM worker"},
  });
}

TEST_F(LifecycleTest, ExtensionsOnlyWhenEnabled)
{
  WdLimits limits = normal_limits();
  limits.enforce_extensions = FALSE;
  begin(limits, {"a"});
  machine->play({{"memory a 310", ""}, {"cpu a 90", ""}, {"wait 60", ""}});
  EXPECT_EQ(machine->status("a")["enforced"], "0");
  EXPECT_EQ(machine->status("a")["footprint"], std::to_string(300 * kMegabyte));
  EXPECT_EQ(machine->status("worker")["enforced"], "1");
}

TEST_F(LifecycleTest, NothingWhenDisabled)
{
  WdLimits limits = normal_limits();
  limits.enforce = FALSE;
  begin(limits, {"a"});
  machine->play(
      {{"memory worker 310", ""}, {"memory a 310", ""}, {"cpu worker 90", ""}, {"wait 60", ""}});
  EXPECT_EQ(machine->status("worker")["enforced"], "0");
  EXPECT_EQ(machine->status("worker")["footprint"], std::to_string(300 * kMegabyte));
}

TEST_F(LifecycleTest, NotWhenTheParentIsAnother)
{
  for (const bool dry_run : {false, true}) {
    WdLimits limits = normal_limits();
    limits.dry_run = dry_run;
    begin(limits);
    machine->play({{"memory worker 310", ""}, {"parent worker 1", ""}, {"wait 20", ""}});
  }
}

TEST_F(LifecycleTest, ASampleThatIsMissingSaysNothing)
{
  begin();
  machine->play({
      {"memory worker 310", ""},
      {"unreadable worker", ""},
      {"wait 20", ""},
      {"readable worker", ""},
      {"next", "limit_exceeded worker memory ack"},
  });
}

/* --- dry run --- */

TEST_F(LifecycleTest, DryRunRecordsOncePerEpisode)
{
  WdLimits limits = normal_limits();
  limits.dry_run = TRUE;
  begin(limits, {"a"});
  machine->play({
      {"memory worker 310", ""},
      {"next", "would_terminate worker memory"},
      {"wait 20", ""},
      {"memory worker 100", ""},
      {"wait 6", ""},
      {"memory worker 310", ""},
      {"next", "would_terminate worker memory"},
  });
}

/* Looks at the memory lie between the checks at which CPU is judged. */
TEST_F(LifecycleTest, DryRunRecordsCpuOncePerEpisodeToo)
{
  WdLimits limits = normal_limits();
  limits.dry_run = TRUE;
  begin(limits);
  machine->play({
      {"wait 2", ""},
      {"cpu worker 50", ""},
      {"wait 60", "@12 would_terminate worker cpu"},
      {"cpu worker 0", ""},
      {"wait 3", ""},
      {"cpu worker 50", ""},
      {"wait 60", "@12 would_terminate worker cpu"},
  });
  const WdEvent *event = last(WD_EVENT_WOULD_TERMINATE);
  EXPECT_EQ(event->measured, 3000);
  EXPECT_EQ(event->sustained_s, 12);
  EXPECT_STREQ(event->message,
               "osqueryd worker (1001) would be stopped: Maximum sustainable CPU utilization limit "
               "600ms exceeded for 12 seconds");
}

} // namespace
