/* What concerns several processes, or all of them: starting in order, ending side by side, the
 * watchdog's own health, the present state. */
#include "tests/unit/machine.h"

namespace
{

TEST(Start, WorkerThenManagerThenExtensions)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.play({
      {"tick", "watchdog_started watchdog, spawn worker"},
      {"tick", ""},
      {"spawned worker", "process_started worker"},
      {"wait 0.004", ""},
      {"tick", ""},
      {"wait 0.001", ""},
      {"tick", ""}, /* the probe was in the wait, at 5 ms */
      {"accepts", "spawn tables, spawn a"},
      {"spawned tables", "process_started tables"},
      {"spawned a", "process_started a"},
      {"wait 100", ""},
  });
  const WdEvent *started = machine.last(WD_EVENT_PROCESS_STARTED);
  EXPECT_EQ(started->role, WD_ROLE_EXTENSION);
  EXPECT_STREQ(started->path, "/ext/a");
  EXPECT_EQ(started->pid, machine.pid("a"));
  EXPECT_EQ(started->restarts, 0);
  EXPECT_STREQ(
      started->message,
      ("osquery extension /ext/a (" + std::to_string(machine.pid("a")) + ") started").c_str());
}

TEST(Start, ManagerIsProbedEarlyAndThenMoreRarely)
{
  Machine machine(normal_limits(), {"a"});
  machine.play({{"tick", "watchdog_started watchdog, spawn worker"},
                {"spawned worker", "process_started worker"}});
  const gint64 started_us = machine.now_us;
  std::vector<gint64> probes_ms;
  while (machine.now_us - started_us < 60 * G_USEC_PER_SEC) {
    machine.now_us = wd_machine_deadline(machine.get());
    if (machine.act("tick") == "probe")
      probes_ms.push_back((machine.now_us - started_us) / 1000);
  }
  ASSERT_GT(probes_ms.size(), 10u);
  EXPECT_EQ(probes_ms[0], 5);
  EXPECT_EQ(probes_ms[1], 10);
  for (size_t i = 1; i < probes_ms.size(); i++)
    EXPECT_LE(probes_ms[i] - probes_ms[i - 1], 1000);
  EXPECT_LT(probes_ms.size(), 130u);
}

TEST(Start, NoProbeWithoutAManager)
{
  WdLimits limits = normal_limits();
  limits.manager = FALSE;
  Machine machine(limits);
  machine.play({{"tick", "watchdog_started watchdog, spawn worker"},
                {"spawned worker", "process_started worker"}});
  machine.now_us += G_USEC_PER_SEC;
  EXPECT_EQ(machine.act("tick"), "");
}

TEST(Start, AnExtensionWaitsForTheNextWorkersManager)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 100", ""},
      {"killed worker 9", "process_exited worker signal, spawn worker"},
      {"wait 2", ""},
      {"exited a 0", "process_exited a worker_gone"},
      {"spawned worker", "process_started worker"},
      {"wait 30", ""},
      {"accepts", "spawn a"},
  });
}

TEST(Start, AnExtensionsExitNamesTheWorkersAsItsCauseAfterTheRespawnToo)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 100", ""},
      {"killed worker 9", "process_exited worker signal, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"wait 2", ""},
      {"exited a 1", "process_exited a worker_gone"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_PROCESS_EXITED)->cause_seq,
            machine.last(WD_EVENT_PROCESS_STARTED)->seq - 1);
}

/* osquery would restart the extension at once, into a manager that goes: it exits again at once. */
TEST(Start, NoExtensionWhileTheWorkerIsBeingEnded)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"wait 0.02", "@0.02 USR1 worker, TERM worker"},
      {"exited a 0", "process_exited a worker_gone"},
      {"wait 10", "@4 log, KILL worker, @6 termination_stuck worker memory"},
      {"killed worker 9", "process_terminated worker memory, spawn worker"},
  });
}

/* --- side by side --- */

TEST(SideBySide, TwoAreEndedWhileTheThirdIsChecked)
{
  Machine machine(normal_limits(), {"a", "b"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"wait 0.02", "@0.02 USR1 worker, TERM worker"},
      {"memory a 300", ""},
      {"next", "limit_exceeded a memory ack"},
      {"stored", "TERM a"},
      {"wait 1", ""},
      {"memory b 400", ""},
      {"next", "limit_exceeded b memory ack"},
      {"stored", "TERM b"},
      {"next", "log, KILL worker"},
      {"killed worker 9", "process_terminated worker memory, spawn worker"},
      {"next", "log, KILL a"},
      {"killed a 9", "process_terminated a memory"},
      {"exited b 0", "process_terminated b memory"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a, spawn b"},
  });
}

/* Nobody waits for what can't be stored: neither what is asked for then, nor what waits already. */
TEST(SideBySide, WithoutAStoreTheFirstSignalsGoAtOnce)
{
  Machine machine(normal_limits(), {"a", "b"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"unstorable", "USR1 worker, TERM worker"},
      {"memory a 300", ""},
      {"next", "limit_exceeded a memory ack, TERM a"},
      {"stored", ""},
      {"memory b 400", ""},
      {"next", "limit_exceeded b memory ack"},
      {"stored", "TERM b"},
  });
}

TEST(SideBySide, TheWorkerIsJudgedFirstAndTheWatchdogLast)
{
  Machine machine(normal_limits(), {"a", "b"});
  machine.boot();
  machine.play({{"wait 5.9", ""},
                {"memory watchdog 300", ""},
                {"memory worker 300", ""},
                {"memory a 300", ""},
                {"memory b 300", ""}});
  machine.now_us += G_USEC_PER_SEC; /* one late tick for all of them */
  EXPECT_EQ(machine.act("tick"), "limit_exceeded worker memory ack, limit_exceeded a memory ack, "
                                 "limit_exceeded b memory ack, limit_exceeded watchdog memory");
}

/* --- the watchdog's own health --- */

TEST(Health, MemoryOverTheLimitEndsAllWith78)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory watchdog 300", ""},
      {"wait 2", "@2 limit_exceeded watchdog memory, TERM worker, TERM a"},
      {"wait 9", ""}, /* reported once */
      {"exited worker 0", "process_terminated worker request"},
      {"exited a 0", "process_terminated a request, watchdog_stopped watchdog health, exit 78"},
  });
  const WdEvent *breach = machine.last(WD_EVENT_LIMIT_EXCEEDED);
  EXPECT_EQ(breach->measured, 290 * kMegabyte);
  EXPECT_EQ(breach->limit_value, 200 * kMegabyte);
  EXPECT_EQ(breach->unit, WD_UNIT_BYTES);
  EXPECT_STREQ(breach->message, "Watcher has become unhealthy: Memory limits exceeded: 304087040 "
                                "bytes (limit is 200MB)");
  EXPECT_EQ(machine.last(WD_EVENT_WATCHDOG_STOPPED)->cause_seq, breach->seq);
}

TEST(Health, CpuOverTheLimitToo)
{
  Machine machine;
  machine.boot();
  machine.play({
      {"wait 3", ""},
      {"cpu watchdog 50", ""},
      {"wait 12.5", "@12 limit_exceeded watchdog cpu, TERM worker"},
  });
}

TEST(Health, NotWithoutEnforcement)
{
  WdLimits limits = normal_limits();
  limits.enforce = FALSE;
  Machine machine(limits);
  machine.boot();
  machine.play({{"wait 4", ""}, {"memory watchdog 300", ""}, {"wait 60", ""}});
}

TEST(Health, OnlyRecordedInADryRun)
{
  WdLimits limits = normal_limits();
  limits.dry_run = TRUE;
  Machine machine(limits);
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory watchdog 300", ""},
      {"wait 60", "@2 would_terminate watchdog memory"},
  });
}

/* --- the present state --- */

TEST(Status, OfARun)
{
  WdLimits limits = normal_limits();
  limits.watchdog_delay_s = 60;
  Machine machine(limits, {"a"});
  EXPECT_EQ(machine.status("watchdog")["state"], "running");
  EXPECT_EQ(machine.status("watchdog")["restarts"], "NULL");
  EXPECT_EQ(machine.status("worker")["pid"], "NULL");
  /* Nobody knows when: it depends on the worker. */
  EXPECT_EQ(machine.status("a")["next_start_time"], "NULL");
  machine.boot();
  EXPECT_EQ(machine.status("worker")["state"], "running");
  EXPECT_EQ(machine.status("worker")["start_time"], "1000");
  EXPECT_EQ(machine.status("worker")["enforced"], "0");
  EXPECT_EQ(machine.status("watchdog")["enforced"], "1");
  EXPECT_EQ(machine.status("worker")["resident_size"], "NULL");
  machine.act("wait 62");
  EXPECT_EQ(machine.status("worker")["enforced"], "1");
  EXPECT_EQ(machine.status("worker")["resident_size"], "10485760");
  EXPECT_EQ(machine.status("worker")["footprint"], "0");
  machine.act("wait 10");
  machine.act("exited worker 3");
  machine.act("spawned worker");
  EXPECT_EQ(machine.status("worker")["restarts"], "1");
  EXPECT_EQ(machine.status("worker")["last_exit_code"], "3");
  EXPECT_EQ(machine.status("worker")["last_exit_signal"], "NULL");
  EXPECT_EQ(machine.status("worker")["resident_size"], "NULL");
  machine.act("killed worker 9");
  auto worker = machine.status("worker");
  EXPECT_EQ(worker["state"], "waiting");
  EXPECT_EQ(worker["pid"], "NULL");
  EXPECT_EQ(worker["quick_exits"], "1");
  EXPECT_EQ(worker["restart_limit"], "4");
  EXPECT_EQ(worker["start_time"], "NULL");
  EXPECT_EQ(worker["next_start_time"], std::to_string(machine.now_us / G_USEC_PER_SEC + 7));
  EXPECT_EQ(worker["last_exit_signal"], "9");
  EXPECT_EQ(worker["last_seq"], std::to_string(machine.last(WD_EVENT_RESPAWN_DELAYED)->seq));
}

TEST(Status, PublishedAtEachCheckAndAtEachEvent)
{
  Machine machine;
  machine.boot();
  const guint before = machine.publishes;
  machine.act("wait 30");
  EXPECT_EQ(machine.publishes - before, 10u);
  machine.act("exited worker 1");
  EXPECT_EQ(machine.publishes - before, 11u);
}

/* So that limit_exceeded can tell what the last interval's CPU time went into. */
TEST(Details, ThreadsAreRememberedOnlyNearALimit)
{
  Machine machine;
  machine.boot();
  machine.act("memory worker 90");
  machine.act("wait 30");
  EXPECT_EQ(machine.remembered, 0u);
  machine.act("cpu worker 50");
  machine.act("wait 6");
  const guint busy = machine.remembered;
  EXPECT_GE(busy, 1u);
  machine.act("cpu worker 0");
  machine.act("wait 6"); /* the check in between saw the end of the busy time */
  const guint idle = machine.remembered;
  machine.act("wait 30");
  EXPECT_EQ(machine.remembered, idle);
  machine.act("memory worker 195");
  machine.act("wait 6");
  EXPECT_GT(machine.remembered, idle);
}

} // namespace
