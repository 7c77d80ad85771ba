/* What concerns several processes, or all of them: starting in order, giving up, stopping, the
 * watchdog's own health, extensions that follow the worker. */
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
    machine.now_us = wd_supervisor_deadline(machine.get());
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

TEST(Start, NoProbeWithoutExtensions)
{
  Machine machine;
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

/* --- respawning and giving up --- */

TEST(GiveUp, WorkerBacksOffAndThenEndsAll)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 2", ""},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
  });
  const WdEvent *delayed = machine.last(WD_EVENT_RESPAWN_DELAYED);
  EXPECT_EQ(delayed->delay_s, 7);
  EXPECT_EQ(delayed->cause_seq, machine.last(WD_EVENT_PROCESS_EXITED)->seq);
  EXPECT_STREQ(delayed->message, "osqueryd worker respawning too quickly: 1 times");
  machine.play({
      {"exited a 0", "process_exited a worker_gone"},
      {"wait 7", "@7 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 9", "@9 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 13", "@13 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 21", "@21 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 3", "process_exited worker exit, respawn_limit_reached worker exit, "
                          "watchdog_stopped watchdog exit, exit 1"},
      {"tick", ""},
  });
  EXPECT_EQ(wd_supervisor_deadline(machine.get()), G_MAXINT64);
  const WdEvent *reached = machine.last(WD_EVENT_RESPAWN_LIMIT_REACHED);
  EXPECT_EQ(reached->cause_seq, machine.last(WD_EVENT_PROCESS_EXITED)->seq);
  EXPECT_EQ(reached->restarts, 4);
  EXPECT_STREQ(reached->message, "Too many worker restarts");
  const WdEvent *stopped = machine.last(WD_EVENT_WATCHDOG_STOPPED);
  EXPECT_EQ(stopped->cause_seq, reached->seq);
  EXPECT_EQ(stopped->exit_code, 1);
}

TEST(GiveUp, EndsTheOthersFirst)
{
  WdLimits limits = normal_limits();
  limits.respawn_limit = 0;
  Machine machine(limits, {"a"});
  machine.boot();
  machine.play({
      {"exited worker 1", "process_exited worker exit, respawn_limit_reached worker exit, TERM a"},
      {"wait 1", ""},
      {"exited a 0", "process_terminated a request, watchdog_stopped watchdog exit, exit 1"},
  });
}

TEST(GiveUp, OneLongRunResetsTheCount)
{
  Machine machine;
  machine.boot();
  for (const char *wait : {"wait 7", "wait 9", "wait 13", "wait 21"}) {
    EXPECT_EQ(machine.act("exited worker 1"),
              "process_exited worker exit, respawn_delayed worker exit");
    EXPECT_NE(machine.act(wait).find("spawn worker"), std::string::npos) << wait;
    machine.act("spawned worker");
  }
  machine.play({
      {"wait 60", ""},
      {"exited worker 1", "process_exited worker exit, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 7", "@7 spawn worker"},
  });
}

TEST(GiveUp, SpawnFailuresCountAsQuickExits)
{
  Machine machine(normal_limits(), {"a"});
  machine.play({
      {"tick", "watchdog_started watchdog, spawn worker"},
      {"failed worker", "spawn_failed worker spawn, respawn_delayed worker spawn"},
  });
  const WdEvent *failed = machine.last(WD_EVENT_SPAWN_FAILED);
  EXPECT_EQ(failed->pid, WD_NONE);
  EXPECT_STREQ(failed->message, "osqueryd could not create a worker process: /opt/osqueryd: "
                                "No such file or directory");
  machine.play({
      {"wait 7", "@7 spawn worker"},
      {"failed worker", "spawn_failed worker spawn, respawn_delayed worker spawn"},
      {"wait 9", "@9 spawn worker"},
      {"failed worker", "spawn_failed worker spawn, respawn_delayed worker spawn"},
      {"wait 13", "@13 spawn worker"},
      {"failed worker", "spawn_failed worker spawn, respawn_delayed worker spawn"},
      {"wait 21", "@21 spawn worker"},
      {"failed worker", "spawn_failed worker spawn, respawn_limit_reached worker spawn, "
                        "watchdog_stopped watchdog spawn, exit 1"},
  });
}

/* Until the next quick exit would be over the limit. */
void
crash_until_last(Machine &machine, const std::string &name)
{
  for (const char *wait : {"wait 7", "wait 9", "wait 13", "wait 21"}) {
    EXPECT_EQ(machine.act("exited " + name + " 1"),
              "process_exited " + name + " exit, respawn_delayed " + name + " exit");
    EXPECT_NE(machine.act(wait).find("spawn " + name), std::string::npos) << wait;
    machine.act("spawned " + name);
  }
}

TEST(GiveUp, AnExtensionEndsAllAsDocumented)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  crash_until_last(machine, "a");
  EXPECT_STREQ(machine.last(WD_EVENT_RESPAWN_DELAYED)->message,
               "Extension respawning too quickly: /ext/a");
  machine.play({
      {"killed a 11", "process_exited a signal, respawn_limit_reached a signal, TERM worker, "
                      "TERM tables"},
      {"exited tables 0", "process_terminated tables request"},
      {"exited worker 0",
       "process_terminated worker request, watchdog_stopped watchdog exit, exit 1"},
  });
}

TEST(GiveUp, AnAbandonedExtensionIsTriedAgainRarely)
{
  WdLimits limits = normal_limits();
  limits.extension_give_up = WD_GIVE_UP_ABANDON;
  Machine machine(limits, {"tables", "a"});
  machine.boot();
  crash_until_last(machine, "a");
  machine.play({{"exited a 1", "process_exited a exit, respawn_limit_reached a exit"}});
  EXPECT_EQ(machine.status("a")["state"], "abandoned");
  EXPECT_EQ(machine.status("a")["quick_exits"], "5");
  machine.play({
      {"wait 700", "@600 spawn a"},
      {"failed a", "spawn_failed a spawn, respawn_limit_reached a spawn"},
      {"wait 700", "@600 spawn a"},
      {"spawned a", "process_started a"},
      {"exited a 1", "process_exited a exit, respawn_limit_reached a exit"},
      {"wait 700", "@600 spawn a"},
      {"spawned a", "process_started a"},
      {"wait 60", ""},
      {"exited a 1", "process_exited a exit, spawn a"},
  });
  EXPECT_EQ(machine.status("worker")["state"], "running");
}

TEST(GiveUp, AnAbandonedExtensionStopsWithTheRest)
{
  WdLimits limits = normal_limits();
  limits.extension_give_up = WD_GIVE_UP_ABANDON;
  limits.respawn_limit = 0;
  Machine machine(limits, {"a"});
  machine.boot();
  machine.play({
      {"exited a 1", "process_exited a exit, respawn_limit_reached a exit"},
      {"stop", "TERM worker"},
      {"exited worker 0",
       "process_terminated worker request, watchdog_stopped watchdog request, exit 0"},
  });
  EXPECT_EQ(machine.status("a")["state"], "stopped");
}

TEST(GiveUp, NeverOurOwnTables)
{
  for (const gint64 max_delay_s : {600, 0}) {
    WdLimits limits = normal_limits();
    limits.max_delay_s = max_delay_s;
    Machine machine(limits, {"tables"});
    machine.boot();
    for (int i = 0; i < 40; i++) {
      const std::string actions = machine.act("exited tables 1");
      EXPECT_EQ(actions.find("respawn_limit_reached"), std::string::npos);
      if (i >= 4) { /* never in a tight loop, even without back-off */
        EXPECT_EQ(actions, "process_exited tables exit, respawn_delayed tables exit");
      }
      machine.act("wait 600");
      machine.act("spawned tables");
    }
  }
}

TEST(GiveUp, WorkerExit78EndsAll)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"exited worker 78", "process_exited worker exit, log, TERM a"},
      {"exited a 0", "process_terminated a request, watchdog_stopped watchdog exit, exit 78"},
  });
  EXPECT_EQ(machine.last_log(), "Worker returned exit status");
  const WdEvent *stopped = machine.last(WD_EVENT_WATCHDOG_STOPPED);
  EXPECT_EQ(stopped->exit_code, 78);
  EXPECT_EQ(stopped->cause_seq, machine.last(WD_EVENT_PROCESS_EXITED)->seq);
}

TEST(GiveUp, WorkerExit78AsTheLastQuickExitIsStill78)
{
  WdLimits limits = normal_limits();
  limits.respawn_limit = 0;
  Machine machine(limits);
  machine.boot();
  machine.play({{"exited worker 78", "process_exited worker exit, log, "
                                     "watchdog_stopped watchdog exit, exit 78"}});
}

/* A worker in the middle of a query exits 78 some time after our signals. */
TEST(GiveUp, WorkerExit78AfterOurSignalsIsNoReason)
{
  Machine machine;
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"wait 0.02", "@0.02 USR1 worker, TERM worker"},
      {"exited worker 78", "process_terminated worker memory, spawn worker"},
  });
}

TEST(GiveUp, WorkerExit78WhileOurSignalsWaitedEndsAll)
{
  Machine machine;
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"exited worker 78",
       "process_exited worker exit, log, watchdog_stopped watchdog exit, exit 78"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_PROCESS_EXITED)->cause_seq,
            machine.last(WD_EVENT_LIMIT_EXCEEDED)->seq);
}

TEST(GiveUp, AnExtensionsExit78IsAnExitLikeAnother)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 60", ""},
      {"exited a 78", "process_exited a exit, spawn a"},
  });
}

/* --- extensions and the worker --- */

class FollowTest : public testing::Test
{
protected:
  FollowTest() : machine(normal_limits(), {"a"})
  {
    machine.boot();
    machine.act("wait 1");
  }

  void expect_nothing_used_up()
  {
    EXPECT_EQ(machine.status("a")["quick_exits"], "0");
  }

  Machine machine;
};

TEST_F(FollowTest, ExitsWhileTheWorkerIsEnded)
{
  machine.play({
      {"wait 3", ""},
      {"memory worker 500", ""},
      {"next", "limit_exceeded worker memory ack"},
      {"wait 0.02", "@0.02 USR1 worker, TERM worker"},
      {"exited a 0", "process_exited a worker_gone"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_PROCESS_EXITED)->cause_seq,
            machine.last(WD_EVENT_LIMIT_EXCEEDED)->seq);
  expect_nothing_used_up();
  machine.play({
      {"exited worker 0", "process_terminated worker memory, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a"},
  });
}

TEST_F(FollowTest, ExitsAfterTheWorker)
{
  machine.play({
      {"killed worker 9", "process_exited worker signal, respawn_delayed worker signal"},
      {"wait 2.1", ""},
      {"exited a 0", "process_exited a worker_gone"},
  });
  expect_nothing_used_up();
  const WdEvent *exited = machine.last(WD_EVENT_PROCESS_EXITED);
  EXPECT_EQ(exited->exit_code, 0);
  EXPECT_EQ(exited->cause_seq, machine.last(WD_EVENT_RESPAWN_DELAYED)->cause_seq);
  machine.play({
      {"wait 10", "@4.9 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a"},
  });
}

TEST_F(FollowTest, ExitsAfterTheWorkerIsBackAlready)
{
  machine.play({
      {"wait 60", ""},
      {"killed worker 9", "process_exited worker signal, spawn worker"},
  });
  const guint64 worker_gone_seq = machine.last(WD_EVENT_PROCESS_EXITED)->seq;
  machine.play({
      {"spawned worker", "process_started worker"},
      {"accepts", ""},
      {"wait 3", ""},
      {"exited a 0", "process_exited a worker_gone, spawn a"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_PROCESS_EXITED)->cause_seq, worker_gone_seq);
  expect_nothing_used_up();
}

TEST_F(FollowTest, ExitsJustBeforeTheWorker)
{
  machine.play({
      {"exited a 0", "process_exited a exit, respawn_delayed a exit"},
      {"wait 1.9", ""},
      {"exited worker 0", "process_exited worker exit, respawn_delayed worker exit"},
  });
  expect_nothing_used_up();
  machine.play({
      {"wait 7", "@7 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a"},
  });
}

TEST_F(FollowTest, ItsOwnExitsCount)
{
  machine.play({
      {"exited a 0", "process_exited a exit, respawn_delayed a exit"},
      {"wait 2.1", ""}, /* more than just before */
      {"exited worker 0", "process_exited worker exit, respawn_delayed worker exit"},
  });
  EXPECT_EQ(machine.status("a")["quick_exits"], "1");
}

/* It looks for the manager in vain until its timeout. */
TEST_F(FollowTest, TheWorkerGoesWhileItIsSpawned)
{
  machine.play({
      {"wait 60", ""},
      {"exited a 0", "process_exited a exit, spawn a"},
      {"wait 3", ""},
      {"killed worker 9", "process_exited worker signal, spawn worker"},
      {"wait 0.01", ""},
      {"spawned a", "process_started a"},
      {"spawned worker", "process_started worker"},
      {"wait 3.1", ""},
      {"exited a 1", "process_exited a worker_gone"},
  });
  expect_nothing_used_up();
}

TEST_F(FollowTest, NoLongerWhenItWasStartedAfterwards)
{
  machine.play({
      {"killed worker 9", "process_exited worker signal, respawn_delayed worker signal"},
      {"exited a 0", "process_exited a worker_gone"},
      {"wait 7", "@7 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a"},
      {"spawned a", "process_started a"},
      {"exited a 0", "process_exited a exit, respawn_delayed a exit"},
  });
}

TEST_F(FollowTest, NoLongerWhenItOutlivedTheNotice)
{
  machine.play({
      {"wait 60", ""},
      {"killed worker 9", "process_exited worker signal, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", ""},
      {"wait 11.1", ""}, /* interval 3 + timeout 3 + 5 */
      {"exited a 0", "process_exited a exit, spawn a"},
  });
}

/* A spawn failure since then is its own fault, and so is what a limit kill counted. */
TEST_F(FollowTest, OnlyTheExitItselfIsTakenBack)
{
  machine.play({
      {"wait 60", ""},
      {"exited a 0", "process_exited a exit, spawn a"},
      {"wait 0.5", ""},
      {"failed a", "spawn_failed a spawn, respawn_delayed a spawn"},
      {"wait 0.5", ""},
      {"exited worker 0", "process_exited worker exit, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", ""},
      {"wait 7", "@6.5 spawn a"},
  });
  EXPECT_EQ(machine.status("a")["quick_exits"], "1");
}

TEST_F(FollowTest, AnAbandonedOneIsExcusedToo)
{
  WdLimits limits = normal_limits();
  limits.respawn_limit = 0;
  limits.extension_give_up = WD_GIVE_UP_ABANDON;
  Machine other(limits, {"a"});
  other.boot();
  other.play({
      {"wait 58.5", ""},
      {"exited a 0", "process_exited a exit, respawn_delayed a exit"},
      {"wait 7", "@7 spawn a"},
      {"spawned a", "process_started a"},
      {"exited a 0", "process_exited a exit, respawn_limit_reached a exit"},
      {"exited worker 0", "process_exited worker exit, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a"},
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

/* --- stopping --- */

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

} // namespace
