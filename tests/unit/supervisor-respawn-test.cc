/* Starting again, and giving up. */
#include "tests/unit/machine.h"

namespace
{

/* Backing off would only hide that the command line is wrong. */
TEST(GiveUp, WorkerThatFailsAtOnceThreeTimes)
{
  Machine machine(normal_limits(), {"a"});
  machine.play({
      {"tick", "watchdog_started watchdog, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 7", "@7 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 9", "@9 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 1", "process_exited worker exit, respawn_limit_reached worker exit, "
                          "watchdog_stopped watchdog exit, exit 1"},
  });
  EXPECT_STREQ(
      machine.last(WD_EVENT_RESPAWN_LIMIT_REACHED)->message,
      "/opt/osqueryd exited with status 1 as soon as it was started, 3 times in a row: its "
      "command line or its flagfile must be wrong");
}

/* Each of these breaks the row. */
TEST(GiveUp, WorkerThatFailsOtherwiseIsNoBrokenCommandLine)
{
  for (const char *broken : {"exited worker 0", "killed worker 6", "accepts", "wait 1.5"}) {
    Machine machine(normal_limits(), {"a"});
    machine.act("tick");
    std::string acts;
    for (int i = 0; i < 4; i++) {
      acts += machine.act("spawned worker");
      if (i == 1)
        acts += machine.act(broken);
      if (i != 1 || std::string(broken).find("worker") == std::string::npos)
        acts += machine.act("exited worker 1");
      acts += machine.act("wait 22");
    }
    EXPECT_EQ(acts.find("respawn_limit_reached"), std::string::npos) << broken << ": " << acts;
  }
}

/* Without a manager nothing tells a worker that works from one that doesn't. */
TEST(GiveUp, NoBrokenCommandLineWithoutAManager)
{
  WdLimits limits = normal_limits();
  limits.manager = FALSE;
  Machine machine(limits);
  machine.act("tick");
  std::string acts;
  for (int i = 0; i < 4; i++) {
    acts += machine.act("spawned worker");
    acts += machine.act("exited worker 1");
    acts += machine.act("wait 22");
  }
  EXPECT_EQ(acts.find("respawn_limit_reached"), std::string::npos) << acts;
}

TEST(GiveUp, WorkerBacksOffAndThenEndsAll)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 2", ""},
      {"exited worker 0", "process_exited worker exit, respawn_delayed worker exit"},
  });
  const WdEvent *delayed = machine.last(WD_EVENT_RESPAWN_DELAYED);
  EXPECT_EQ(delayed->delay_s, 7);
  EXPECT_EQ(delayed->cause_seq, machine.last(WD_EVENT_PROCESS_EXITED)->seq);
  EXPECT_STREQ(delayed->message, "osqueryd worker respawning too quickly: 1 times");
  machine.play({
      {"exited a 0", "process_exited a worker_gone"},
      {"wait 7", "@7 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 0", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 9", "@9 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 0", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 13", "@13 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 0", "process_exited worker exit, respawn_delayed worker exit"},
      {"wait 21", "@21 spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 3", "process_exited worker exit, respawn_limit_reached worker exit, "
                          "watchdog_stopped watchdog exit, exit 1"},
      {"tick", ""},
  });
  EXPECT_EQ(wd_machine_deadline(machine.get()), G_MAXINT64);
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
      {"exited worker 0", "process_exited worker exit, respawn_limit_reached worker exit, TERM a"},
      {"wait 1", ""},
      {"exited a 0", "process_terminated a request, watchdog_stopped watchdog exit, exit 1"},
  });
}

TEST(GiveUp, OneLongRunResetsTheCount)
{
  Machine machine;
  machine.boot();
  for (const char *wait : {"wait 7", "wait 9", "wait 13", "wait 21"}) {
    EXPECT_EQ(machine.act("exited worker 0"),
              "process_exited worker exit, respawn_delayed worker exit");
    EXPECT_NE(machine.act(wait).find("spawn worker"), std::string::npos) << wait;
    machine.act("spawned worker");
  }
  machine.play({
      {"wait 60", ""},
      {"exited worker 0", "process_exited worker exit, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"exited worker 0", "process_exited worker exit, respawn_delayed worker exit"},
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

TEST(GiveUp, AnExtensionThatCannotBeSpawnedEndsAllAfterAsManyTries)
{
  for (const WdGiveUp give_up : {WD_GIVE_UP_SHUTDOWN, WD_GIVE_UP_ABANDON}) {
    WdLimits limits = normal_limits();
    limits.extension_give_up = give_up;
    Machine machine(limits, {"a"});
    machine.act("tick");
    machine.act("remember");
    machine.act("spawned worker");
    machine.play({{"accepts", "spawn a"}});
    for (const char *wait : {"wait 7", "wait 9", "wait 13", "wait 21"}) {
      EXPECT_EQ(machine.act("failed a"), "spawn_failed a spawn, respawn_delayed a spawn");
      EXPECT_NE(machine.act(wait).find("spawn a"), std::string::npos) << wait;
    }
    if (give_up == WD_GIVE_UP_SHUTDOWN)
      machine.play({{"failed a", "spawn_failed a spawn, respawn_limit_reached a spawn ack"},
                    {"stored", "TERM worker"}});
    else
      machine.play(
          {{"failed a", "spawn_failed a spawn, respawn_limit_reached a spawn"}, {"stored", ""}});
  }
}

/* Until the next quick exit would be over the limit. The worker answers all the time. */
void
crash_until_last(Machine &machine, const std::string &name)
{
  for (const char *wait : {"wait 7", "wait 9", "wait 13", "wait 21"}) {
    machine.act("report tables");
    EXPECT_EQ(machine.act("exited " + name + " 1"),
              "process_exited " + name + " exit, respawn_delayed " + name + " exit");
    machine.act("report tables");
    EXPECT_NE(machine.act(wait).find("spawn " + name), std::string::npos) << wait;
    machine.act("spawned " + name);
    machine.act("report tables");
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
      {"killed a 11", "process_exited a signal"},
      {"wait 3", ""},
      {"report tables", "respawn_limit_reached a signal ack"},
      {"wait 0.5", ""},
      {"stored", "TERM worker, TERM tables"},
      {"exited tables 0",
       "process_terminated tables request, extension_unregistered tables request"},
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
  machine.play(
      {{"exited a 1", "process_exited a exit"}, {"report tables", "respawn_limit_reached a exit"}});
  EXPECT_EQ(machine.status("a")["state"], "abandoned");
  EXPECT_EQ(machine.status("a")["quick_exits"], "5");
  machine.play({
      {"wait 700", "@600 spawn a"},
      {"failed a", "spawn_failed a spawn, respawn_limit_reached a spawn"},
      {"wait 700", "@600 spawn a"},
      {"spawned a", "process_started a"},
      {"report tables", ""},
      {"exited a 1", "process_exited a exit"},
      {"report tables", "respawn_limit_reached a exit"},
      {"wait 700", "@600 spawn a"},
      {"spawned a", "process_started a"},
      {"wait 60", ""},
      {"report tables", ""},
      {"exited a 1", "process_exited a exit"},
      {"wait 3.5", "@3.5 spawn a"},
  });
  EXPECT_EQ(machine.status("worker")["state"], "running");
}

TEST(GiveUp, AnAbandonedExtensionStopsWithTheRest)
{
  WdLimits limits = normal_limits();
  limits.extension_give_up = WD_GIVE_UP_ABANDON;
  limits.respawn_limit = 0;
  Machine machine(limits, {"tables", "a"});
  machine.boot();
  machine.play({
      {"report tables", "extension_registered tables"},
      {"exited a 1", "process_exited a exit"},
      {"report tables", "respawn_limit_reached a exit"},
      {"stop", "TERM worker, TERM tables"},
      {"exited tables 0",
       "process_terminated tables request, extension_unregistered tables request"},
      {"exited worker 0",
       "process_terminated worker request, watchdog_stopped watchdog request, exit 0"},
  });
  EXPECT_EQ(machine.status("a")["state"], "stopped");
}

/* What the history can't keep would end osquery at every start. */
TEST(GiveUp, AnExtensionEndsNothingUnlessThatIsStored)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  crash_until_last(machine, "a");
  machine.play({
      {"exited a 1", "process_exited a exit"},
      {"report tables", "respawn_limit_reached a exit ack"},
      {"wait 2", "@2 log"},
      {"stored", ""},
      {"wait 700", "@598 spawn a"},
  });
}

TEST(GiveUp, AnExtensionEndsNothingWhileNothingCanBeStored)
{
  for (const bool before : {true, false}) {
    Machine machine(normal_limits(), {"tables", "a"});
    machine.boot();
    crash_until_last(machine, "a");
    if (before)
      machine.play({{"unstorable", ""}});
    machine.play({
        {"exited a 1", "process_exited a exit"},
        {"report tables",
         before ? "respawn_limit_reached a exit" : "respawn_limit_reached a exit ack"},
        {"unstorable", ""},
        {"wait 2", before ? "" : "@2 log"},
        {"stored", ""},
    });
  }
}

TEST(GiveUp, AnExtensionEndsNothingBeforeTheHistoryIsKnown)
{
  Machine machine(normal_limits(), {"tables", "a"});
  for (const char *line : {"tick", "spawned worker", "accepts", "spawned tables", "spawned a"})
    machine.act(line);
  crash_until_last(machine, "a");
  machine.play({
      {"exited a 1", "process_exited a exit"},
      {"report tables", "respawn_limit_reached a exit"},
      {"stored", ""},
  });
  EXPECT_NE(std::string(machine.last(WD_EVENT_RESPAWN_LIMIT_REACHED)->message)
                .find("The history can't remember"),
            std::string::npos);
}

TEST(GiveUp, AnExtensionEndsAllOnceADay)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("remember a");
  crash_until_last(machine, "a");
  machine.play({
      {"exited a 1", "process_exited a exit"},
      {"report tables", "respawn_limit_reached a exit"},
      {"stored", ""},
  });
  const WdEvent *reached = machine.last(WD_EVENT_RESPAWN_LIMIT_REACHED);
  EXPECT_STREQ(reached->details, "{\"file\":\"file\",\"ended_osquery\":true}");
  EXPECT_NE(std::string(reached->message).find("ended osquery within the last day"),
            std::string::npos);
  /* Each further time it is remembered for a day again. */
  for (int i = 0; i < 200; i++) {
    machine.play({
        {"wait 601", "@600 spawn a"},
        {"spawned a", "process_started a"},
        {"report tables", ""},
        {"exited a 1", "process_exited a exit"},
        {"report tables", "respawn_limit_reached a exit"},
    });
  }
  /* Another file is another extension. */
  machine.act("remember");
  machine.play({
      {"wait 601", "@600 spawn a"},
      {"failed a", "spawn_failed a spawn, respawn_limit_reached a spawn ack"},
      {"stored", "TERM worker, TERM tables"},
  });
}

TEST(GiveUp, WhatIsRememberedIsForgottenAfterItsTime)
{
  for (const bool in_time : {true, false}) {
    Machine machine(normal_limits(), {"tables", "a"});
    machine.boot();
    machine.act("remember a"); /* for an hour */
    machine.act(in_time ? "wait 3300" : "wait 3700");
    machine.act("report tables");
    machine.act("exited a 0");
    machine.act("wait 3.5");
    machine.act("spawned a");
    crash_until_last(machine, "a");
    machine.play({
        {"exited a 1", "process_exited a exit"},
        {"report tables",
         in_time ? "respawn_limit_reached a exit" : "respawn_limit_reached a exit ack"},
    });
  }
}

/* Osquery's own watcher tries every 3 s. */
void
expect_excused(Machine &machine, const char *reason)
{
  const std::string exited = std::string("process_exited a ") + reason;
  for (int i = 0; i < 20; i++) {
    machine.act("wait 1.1");
    EXPECT_EQ(machine.act("exited a 1"), exited);
    EXPECT_EQ(machine.act("wait 1.9"), "@1.9 spawn a");
    EXPECT_EQ(machine.act("spawned a"), "process_started a");
    EXPECT_EQ(machine.status("a")["quick_exits"], "0");
  }
}

TEST(Blame, NoExitCountsWhileTheWorkerIsSilent)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  expect_excused(machine, "worker_silent"); /* nothing was heard of it yet */
  machine.act("silent");
  expect_excused(machine, "worker_silent");
  /* A crash keeps its reason. */
  machine.play({
      {"killed a 11", "process_exited a signal"},
      {"wait 3", "@3 spawn a"},
      {"spawned a", "process_started a"},
      {"oom a", "process_exited a oom"},
      {"wait 3", "@3 spawn a"},
      {"spawned a", "process_started a"},
  });
  EXPECT_EQ(machine.status("a")["quick_exits"], "0");
  /* What it was registered for is gone with the process, whatever the excuse. */
  machine.play({
      {"report tables a/2", "extension_registered tables, extension_registered a"},
      {"exited a 1", "process_exited a worker_silent, extension_unregistered a exit"},
      {"wait 3", "@3 spawn a"},
      {"spawned a", "process_started a"},
  });
  /* It needs a while to be itself again. */
  machine.act("report tables a/2");
  machine.act("wait 11.1");
  machine.act("report tables a/2");
  EXPECT_EQ(machine.act("exited a 1"), "process_exited a exit, extension_unregistered a exit");
}

TEST(Blame, NoExitCountsWhileTheWorkerListsTheOneBefore)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("report tables a/2");
  machine.act("wait 100");
  machine.act("report tables a/2");
  machine.play({
      {"killed a 9", "process_exited a signal, extension_unregistered a signal"},
      {"wait 3.5", "@3.5 spawn a"},
      {"spawned a", "process_started a"},
  });
  for (int i = 0; i < 50; i++) {
    machine.play({
        {"report tables dead/2", ""},
        {"exited a 1", "process_exited a registration"},
        {"wait 3", "@3 spawn a"},
        {"spawned a", "process_started a"},
    });
  }
  machine.play({
      {"report tables", ""},
      {"exited a 1", "process_exited a registration"},
      {"wait 11.1", "@3 spawn a"},
      {"spawned a", "process_started a"},
      {"report tables", ""},
      {"exited a 1", "process_exited a exit, respawn_delayed a exit"},
  });
}

/* The tables extension came after the extension had died: nobody knows whose entry that is. */
TEST(Blame, NoExitCountsWhileTheWorkerListsSomebodyUnknown)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.play({
      {"report tables ?", "extension_registered tables"},
      {"exited a 1", "process_exited a registration"},
      {"wait 3", "@3 spawn a"},
      {"spawned a", "process_started a"},
      {"report tables", ""},
      {"exited a 1", "process_exited a exit, respawn_delayed a exit"},
  });
}

TEST(Blame, AnExitIsWithdrawnIfTheNextReportExcusesIt)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  crash_until_last(machine, "a");
  machine.play({
      {"exited a 1", "process_exited a exit"},
      {"wait 1", ""},
      {"silent", ""},
      {"wait 2", "@2 spawn a"},
  });
  EXPECT_EQ(machine.status("a")["quick_exits"], "4");
}

/* The entry that nobody knows is its own: it registered, and went before anybody asked whose the
 * socket was. */
TEST(Blame, AnExitSoonAfterARegistrationCounts)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  crash_until_last(machine, "a");
  machine.play({
      {"exited a 1", "process_exited a exit"},
      {"report tables ?", "respawn_limit_reached a exit ack"},
  });
}

/* The same if the process was known: its own registration is no excuse. */
TEST(Blame, AnExitSoonAfterAKnownRegistrationCounts)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  for (const char *count : {"1", "2", "3", "4"}) {
    machine.act("report tables a/2");
    machine.act("wait 2");
    EXPECT_EQ(machine.act("exited a 1"), "process_exited a exit, extension_unregistered a exit, "
                                         "respawn_delayed a exit");
    machine.act("report tables dead/2");
    EXPECT_EQ(machine.status("a")["quick_exits"], count);
    machine.act("wait 3");
    machine.act("report tables");
    machine.act("wait 20");
    machine.act("report tables");
    machine.act("spawned a");
  }
}

/* The core would refuse its name until it has noticed. */
TEST(Blame, AWithdrawnExitStillWaitsForItsName)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("report tables a/2");
  machine.act("wait 3.2");
  machine.act("exited a 1");
  machine.play({{"silent", ""}, {"wait 10", "@3.5 spawn a"}});
}

TEST(GiveUp, IsTakenBackUntilItIsStored)
{
  for (const char *change : {"exited worker 0", "unwanted a"}) {
    Machine machine(normal_limits(), {"tables", "a"});
    machine.boot();
    crash_until_last(machine, "a");
    machine.play({
        {"exited a 1", "process_exited a exit"},
        {"report tables", "respawn_limit_reached a exit ack"},
    });
    machine.act(change);
    EXPECT_EQ(machine.act("stored"), "") << change;
    EXPECT_NE(machine.status("worker")["state"], "terminating") << change;
  }
}

TEST(Blame, AnExitThatNoReportFollowsDoesNotCount)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  crash_until_last(machine, "a");
  machine.play({
      {"exited a 1", "process_exited a exit"},
      {"wait 600", "@37 spawn a"},
      {"spawned a", "process_started a"},
      {"report tables", ""}, /* reports come again */
      {"exited a 1", "process_exited a exit"},
  });
  EXPECT_EQ(machine.status("a")["quick_exits"], "5");
  machine.play({{"report tables", "respawn_limit_reached a exit ack"}});
}

/* With --notables nothing is known of the worker. What can't even be started is no such case. */
TEST(Blame, NoExitCountsWhereNothingIsKnownOfTheWorker)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  expect_excused(machine, "exit");
  machine.play({{"failed a", "spawn_failed a spawn, respawn_delayed a spawn"}});
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
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.play({
      {"wait 60", ""},
      {"report", ""},
      {"exited a 78", "process_exited a exit"},
      {"wait 3.5", "@3.5 spawn a"},
  });
}

/* The core refuses a name until it has noticed that the extension that had it is gone. */
TEST(Respawn, AnExtensionWaitsUntilItsCoreHasForgottenIt)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.play({
      {"wait 100", ""},
      {"report", ""},
      {"killed a 9", "process_exited a signal"},
      {"wait 10", "@3.5 spawn a"},
      {"spawned a", "process_started a"},
      /* ours waits by itself */
      {"killed tables 9", "process_exited tables signal, spawn tables"},
  });
}

} // namespace
