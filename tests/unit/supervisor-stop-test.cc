/* Stopping everything. */
#include "tests/unit/machine.h"

namespace
{

TEST(Stop, TermThenGraceThenKill)
{
  Machine machine(normal_limits(), {"a", "b"});
  machine.boot();
  machine.play({
      {"wait 10", ""},
      {"stop", "TERM worker, TERM a, TERM b"},
      {"wait 1", ""},
      {"exited worker 0", "process_terminated worker request"},
      {"exited a 0", "process_terminated a request"},
      {"wait 11", "@10 log, KILL b"},
      {"killed b 9", "process_terminated b request, watchdog_stopped watchdog request, exit 0"},
      {"stop", ""},
      {"tick", ""},
  });
  const WdEvent *ended = machine.last(WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(ended->signals_sent, WD_SIGNALS_TERM | WD_SIGNALS_KILL);
  EXPECT_EQ(ended->outcome, WD_OUTCOME_KILLED);
  EXPECT_EQ(ended->duration_ms, 12000);
  EXPECT_EQ(ended->lifetime_ms, 22000);
  EXPECT_EQ(ended->measured, WD_NONE);
  EXPECT_EQ(ended->limit_value, WD_NONE);
  EXPECT_EQ(ended->cause_seq, 0u);
  const WdEvent *stopped = machine.last(WD_EVENT_WATCHDOG_STOPPED);
  EXPECT_EQ(stopped->exit_code, 0);
  EXPECT_EQ(stopped->pid, kWatchdogPid);
  EXPECT_STREQ(stopped->message, "osquery-watchdogd (100) stopped: request");
}

TEST(Stop, TheSecondOneKillsAtOnce)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 10", ""},
      {"stop", "TERM worker, TERM a"},
      {"stop", "KILL worker, KILL a"},
      {"stop", ""},
      {"killed a 9", "process_terminated a request"},
      {"killed worker 9",
       "process_terminated worker request, watchdog_stopped watchdog request, exit 0"},
  });
}

TEST(Stop, TheFirstRequestAfterGivingUpIsNotTheSecond)
{
  WdLimits limits = normal_limits();
  limits.respawn_limit = 0;
  Machine machine(limits, {"a"});
  machine.boot();
  machine.play({
      {"exited worker 1", "process_exited worker exit, respawn_limit_reached worker exit, TERM a"},
      {"stop", ""},
      {"stop", "KILL a"},
      {"killed a 9", "process_terminated a request, watchdog_stopped watchdog exit, exit 1"},
  });
}

TEST(Stop, WithNothingRunning)
{
  Machine machine;
  machine.boot();
  machine.play({
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
      {"stop", "watchdog_stopped watchdog request, exit 0"},
  });
  EXPECT_EQ(machine.status("worker")["state"], "stopped");
}

TEST(Stop, StuckProcessIsReportedAndLeft)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"stop", "TERM worker, TERM a"},
      {"exited a 0", "process_terminated a request"},
      {"wait 13", "@11 log, KILL worker, @13 termination_stuck worker request, "
                  "watchdog_stopped watchdog request, exit 1"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_WATCHDOG_STOPPED)->exit_code, 1);
}

TEST(Stop, StuckBeforeButGoneInTimeIsNoFailure)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"wait 0.02", "@0.02 USR1 worker, TERM worker"},
      {"wait 6", "@4 log, KILL worker, @6 termination_stuck worker memory"},
      {"stop", "TERM a"},
      {"killed worker 9", "process_terminated worker memory"},
      {"exited a 0", "process_terminated a request, watchdog_stopped watchdog request, exit 0"},
  });
}

TEST(Stop, DuringSpawns)
{
  Machine machine(normal_limits(), {"a", "b"});
  machine.play({
      {"tick", "watchdog_started watchdog, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a, spawn b"},
      {"stop", "TERM worker"},
      {"exited worker 0", "process_terminated worker request"},
      {"failed b", "spawn_failed b spawn"},
      {"spawned a", "process_started a, TERM a"},
      {"wait 11.5", "@11 log, KILL a"},
      {"killed a 9", "process_terminated a request, watchdog_stopped watchdog request, exit 0"},
  });
}

TEST(Stop, TwiceDuringASpawn)
{
  Machine machine;
  machine.play({
      {"tick", "watchdog_started watchdog, spawn worker"},
      {"stop", ""},
      {"stop", ""},
      {"spawned worker", "process_started worker, TERM worker, KILL worker"},
      {"killed worker 9",
       "process_terminated worker request, watchdog_stopped watchdog request, exit 0"},
  });
}

TEST(Stop, WhileATerminationIsUnderWay)
{
  Machine machine;
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stop", ""},
      {"stored", "USR1 worker, TERM worker"},
      {"wait 4", "@4 log, KILL worker"},
      {"killed worker 9",
       "process_terminated worker memory, watchdog_stopped watchdog request, exit 0"},
  });
}

/* Nothing will be started, so nothing is delayed, and no limit is reached. */
TEST(Stop, NothingIsScheduledAnyMore)
{
  WdLimits limits = normal_limits();
  limits.respawn_limit = 0;
  Machine machine(limits);
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"stop", ""},
      {"killed worker 11", "process_exited worker signal, watchdog_stopped watchdog request, "
                           "exit 0"},
  });
}

} // namespace
