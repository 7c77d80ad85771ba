// What the tables extension reports, and what the supervisor makes of it.
#include "machine.h"

namespace
{
WdLimits
with_timeout(gint64 timeout_s)
{
  WdLimits limits = normal_limits();
  limits.extension_registration_timeout_s = timeout_s;
  return limits;
}

TEST(SupervisorPresence, EachChangeIsRecordedOnce)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  EXPECT_EQ(machine.status("a")["registered"], "NULL");
  machine.play({
      {"report tables/7", "extension_registered tables"},
      {"report tables/7", ""},
      {"report tables/7 a/9", "extension_registered a"},
      {"report tables/7 a/9", ""},
      {"report tables/7", "extension_unregistered a registration"},
      {"report tables/7", ""},
      {"report tables/7 a/10", "extension_registered a"},
  });
  EXPECT_STREQ(machine.last(WD_EVENT_EXTENSION_REGISTERED)->details, "{\"uuid\":10}");
  EXPECT_EQ(machine.last(WD_EVENT_EXTENSION_REGISTERED)->pid, machine.pid("a"));
  EXPECT_STREQ(machine.last(WD_EVENT_EXTENSION_UNREGISTERED)->details, "{\"uuid\":9}");
  // Lost and made anew between two reports.
  machine.play({{"report tables/8 a/10",
                 "extension_unregistered tables registration, extension_registered tables"}});
}

TEST(SupervisorPresence, OneThatWaitsForItsNameIsNotEnded)
{
  Machine machine(with_timeout(10), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9");
  machine.act("wait 100");
  machine.act("report tables/7 a/9");
  machine.act("killed a 9");
  machine.act("wait 3.5");
  machine.act("spawned a");
  for (int i = 0; i < 20; i++)
    machine.play({{"report tables/7 dead/9", ""}, {"wait 3", ""}});
  /* It is free, and it still isn't registered. */
  machine.play({
      {"report tables/7", ""},
      {"wait 5", ""},
      {"report tables/7", ""},
      {"wait 6", ""},
      {"report tables/7", "TERM a"},
  });
}

TEST(SupervisorPresence, IsShown)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9!");
  EXPECT_EQ(machine.status("watchdog")["version"], PROJECT_VERSION);
  EXPECT_EQ(machine.status("worker")["responsive"], "1");
  EXPECT_EQ(machine.status("worker")["version"], "5.23.0");
  EXPECT_EQ(machine.status("worker")["registered"], "NULL");
  EXPECT_EQ(machine.status("a")["registered"], "1");
  EXPECT_EQ(machine.status("a")["uuid"], "9");
  EXPECT_EQ(machine.status("a")["responsive"], "0");
  EXPECT_EQ(machine.status("a")["version"], "1.0");
  machine.act("report tables/7");
  EXPECT_EQ(machine.status("a")["registered"], "0");
  EXPECT_EQ(machine.status("a")["uuid"], "NULL");
  EXPECT_EQ(machine.status("a")["responsive"], "NULL");
  // A hung core: what was registered is not known better.
  machine.act("report tables/7 a/9");
  machine.play({{"silent", ""}});
  EXPECT_EQ(machine.status("worker")["responsive"], "0");
  EXPECT_EQ(machine.status("a")["registered"], "1");
}

TEST(SupervisorPresence, ChangesArePublishedAtOnce)
{
  Machine machine(normal_limits(), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  const guint before = machine.publishes;
  machine.act("report tables/7");
  EXPECT_EQ(machine.publishes, before);
  machine.act("report tables/7!");
  EXPECT_EQ(machine.publishes, before + 1);
  machine.act("silent");
  EXPECT_EQ(machine.publishes, before + 2);
}

TEST(SupervisorPresence, WithoutReportsNothingIsKnown)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9");
  machine.act("wait 11");
  EXPECT_EQ(machine.status("a")["registered"], "1");
  machine.act("wait 0.1");
  EXPECT_EQ(machine.status("a")["registered"], "NULL");
  EXPECT_EQ(machine.status("worker")["responsive"], "NULL");
  // And what they say then is no news.
  machine.play({{"report tables/7 a/9", ""}});
  EXPECT_EQ(machine.status("a")["registered"], "1");
}

TEST(SupervisorPresence, AWorkersEndTakesEverybodysRegistration)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9");
  machine.act("wait 61");
  machine.play({
      {"killed worker 9",
       "process_exited worker signal, extension_unregistered tables worker_gone, "
       "extension_unregistered a worker_gone, spawn worker"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_EXTENSION_UNREGISTERED)->cause_seq,
            machine.last(WD_EVENT_PROCESS_EXITED)->seq);
  EXPECT_EQ(machine.status("a")["registered"], "0");
  machine.play({{"spawned worker", "process_started worker"}});
  EXPECT_EQ(machine.status("a")["registered"], "0");
  machine.play({
      {"report tables/8", "extension_registered tables"},
      {"report tables/8 a/9", "extension_registered a"},
  });
}

TEST(SupervisorPresence, AnExtensionsEndTakesItsRegistration)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9");
  machine.act("wait 61");
  machine.play({
      {"killed a 9", "process_exited a signal, extension_unregistered a signal"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_EXTENSION_UNREGISTERED)->cause_seq,
            machine.last(WD_EVENT_PROCESS_EXITED)->seq);
  EXPECT_NE(machine.last(WD_EVENT_EXTENSION_UNREGISTERED)->pid, WD_NONE);
  machine.play({{"next", "spawn a"}, {"spawned a", "process_started a"}});
  EXPECT_EQ(machine.status("a")["registered"], "NULL"); // until the next report
}

TEST(SupervisorPresence, AReportAboutAnotherWorkerCountsForNothing)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  WdReport late = {};
  late.kind = WD_REPORT_REGISTRATIONS;
  late.worker_pid = machine.pid("worker") + 1;
  late.registrations.responsive = TRUE;
  g_autoptr(GArray) actions = wd_actions_new();
  WdInput input = {};
  input.kind = WD_INPUT_REPORT;
  input.report = &late;
  wd_machine_step(machine.get(), &input, machine.now_us, actions);
  EXPECT_EQ(actions->len, 0u);
  EXPECT_EQ(machine.status("worker")["responsive"], "NULL");
}

TEST(SupervisorPresence, DenylistedQueriesNameTheDeathThatLedToThem)
{
  Machine machine;
  machine.boot();
  machine.play({{"denylisted first", "query_denylisted worker"}});
  EXPECT_EQ(machine.last(WD_EVENT_QUERY_DENYLISTED)->cause_seq, 0u); // of a run before
  machine.act("report schedule");
  machine.act("wait 61");
  machine.act("killed worker 9");
  const guint64 death = machine.last(WD_EVENT_PROCESS_EXITED)->seq;
  machine.act("spawned worker");
  machine.act("wait 2");
  machine.play({
      {"denylisted heavy", "query_denylisted worker"},
      {"denylisted heavy", ""},
      {"denylisted heavier", "query_denylisted worker"},
  });
  const WdEvent *event = machine.last(WD_EVENT_QUERY_DENYLISTED);
  EXPECT_EQ(event->cause_seq, death);
  EXPECT_STREQ(event->query_name, "heavier");
  EXPECT_STREQ(event->query, "SELECT 1");
  EXPECT_EQ(event->pid, machine.pid("worker"));
  EXPECT_EQ(event->lifetime_ms, 2000);
  // Either of these two ends may have led to it.
  machine.act("killed worker 9");
  machine.act("next");
  machine.act("spawned worker");
  machine.act("report");
  machine.act("killed worker 9");
  machine.act("next");
  machine.act("spawned worker");
  machine.play({{"denylisted heavy", "query_denylisted worker"}});
  EXPECT_EQ(machine.last(WD_EVENT_QUERY_DENYLISTED)->cause_seq, 0u);
}

TEST(SupervisorPresence, NoMoreDenylistedQueriesThanAreLikely)
{
  Machine machine;
  machine.boot();
  for (int i = 0; i < 1100; i++)
    machine.act("denylisted q" + std::to_string(i));
  EXPECT_EQ(machine.count(WD_EVENT_QUERY_DENYLISTED), 1000u);
}

// --- who answers ---

TEST(SupervisorPresence, AWorkerThatStopsAnsweringIsRecordedOnce)
{
  Machine machine(normal_limits(), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  machine.play({
      {"wait 3", ""},
      {"silent", ""},
      {"wait 3", ""},
      {"silent", "unresponsive worker"},
      {"wait 3", ""},
      {"silent", ""},
      {"wait 3.5", ""},
      {"report tables/7", "responsive worker"},
      {"report tables/7", ""},
  });
  const WdEvent *event = machine.last(WD_EVENT_RESPONSIVE);
  EXPECT_EQ(event->duration_ms, 6500);
  EXPECT_EQ(event->cause_seq, machine.last(WD_EVENT_UNRESPONSIVE)->seq);
  EXPECT_EQ(event->pid, machine.pid("worker"));
}

TEST(SupervisorPresence, AnExtensionThatStopsAnsweringIsRecordedOnce)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9");
  machine.play({
      {"wait 3", ""},
      {"report tables/7 a/9!", ""},
      {"wait 3", ""},
      {"silent", ""}, // a core that doesn't answer says nothing of its extensions
      {"wait 3", ""},
      {"report tables/7 a/9!", "unresponsive a"},
      {"wait 3", ""},
      {"report tables/7 a/9!", ""},
      {"wait 3", ""},
      {"report tables/7", "extension_unregistered a registration"}, // it is still hung
      {"wait 3", ""},
      {"report tables/7 a/10!", "extension_registered a"},
      {"wait 3", ""},
      {"report tables/7 a/10", "responsive a"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_RESPONSIVE)->duration_ms, 12000);
}

TEST(SupervisorPresence, OneMissedPingIsNoNews)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  for (int i = 0; i < 5; i++) {
    machine.act("report tables/7 a/9");
    machine.act("wait 3");
    EXPECT_EQ(machine.act("report tables/7 a/9!"), "");
    EXPECT_EQ(machine.act("silent"), "");
    machine.act("wait 3");
  }
}

TEST(SupervisorPresence, WithoutReportsNoSilenceBeginsOrEnds)
{
  Machine machine(normal_limits(), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  machine.play({
      {"silent", ""},
      {"wait 60", ""},
      {"silent", ""}, // it may have answered meanwhile
      {"wait 3", ""},
      {"silent", "unresponsive worker"},
      {"wait 3600", ""},
      {"silent", ""},
      {"wait 3", ""},
      {"report tables/7", "responsive worker"},
  });
  EXPECT_EQ(machine.last(WD_EVENT_RESPONSIVE)->duration_ms, 3000); // as far as is known
}

TEST(SupervisorPresence, ASilenceEndsWithItsProcess)
{
  Machine machine(normal_limits(), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  machine.act("silent");
  machine.act("wait 61");
  machine.act("silent");
  machine.act("wait 3");
  machine.play({
      {"silent", "unresponsive worker"},
      {"killed worker 9",
       "process_exited worker signal, extension_unregistered tables worker_gone, "
       "spawn worker"},
      {"spawned worker", "process_started worker"},
      {"silent", ""},
      {"report tables/8", "extension_registered tables"},
  });
}

TEST(SupervisorPresence, AProcessThatIsBeingEndedNeedNotAnswer)
{
  Machine machine(normal_limits(), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  machine.act("stop");
  machine.play({{"silent", ""}, {"wait 3", ""}, {"silent", ""}});
}

// --- --extension_registration_timeout ---

TEST(SupervisorPresence, LivingUnregisteredForTooLongEndsInARestart)
{
  Machine machine(with_timeout(10), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9");
  machine.act("wait 20");
  machine.play({
      {"report tables/7", "extension_unregistered a registration"},
      {"wait 5", ""},
      {"report tables/7", ""},
      {"wait 5", ""},
      {"report tables/7", ""}, // 10 s are not longer than 10 s
      {"wait 1", ""},
      {"report tables/7", "TERM a"},
      {"report tables/7", ""},
      {"exited a 0", "process_terminated a registration"},
      {"wait 60", "@3.5 spawn a"}, // once the core has forgotten the name
  });
  const WdEvent *ended = machine.last(WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(ended->cause_seq, machine.last(WD_EVENT_EXTENSION_UNREGISTERED)->seq);
  EXPECT_EQ(ended->measured, WD_NONE);
  EXPECT_EQ(ended->limit_value, WD_NONE);
  EXPECT_EQ(machine.status("a")["terminations"], "0"); // those are for limits
}

TEST(SupervisorPresence, OneThatNeverRegistersBacksOffAndIsNeverGivenUp)
{
  Machine machine(with_timeout(10), {"tables", "a"});
  machine.boot();
  const char *const delays[] = {"@3.5 ", "@3.5 ", "@5 ", "@10 ", "@20 ", "@40 ", "@60 ", "@60 "};
  for (const char *delay : delays) {
    machine.act("report tables/7");
    machine.act("wait 6");
    machine.act("report tables/7");
    machine.act("wait 6");
    EXPECT_EQ(machine.act("report tables/7"), "TERM a");
    const std::string after = machine.act("exited a 0");
    EXPECT_EQ(after, std::string("process_terminated a registration") +
                         (delay[1] == '3' ? "" : ", respawn_delayed a registration"));
    EXPECT_EQ(machine.act("wait 60"), std::string(delay) + "spawn a");
    machine.act("spawned a");
  }
}

TEST(SupervisorPresence, WhoMayHaveBeenRegisteredMeanwhileGetsItsTimeAnew)
{
  Machine machine(with_timeout(10), {"tables", "a"});
  machine.boot();
  machine.play({
      {"report tables/7", "extension_registered tables"},
      {"wait 60", ""}, // no reports
      {"report tables/7", ""},
      {"wait 9", ""},
      {"report tables/7", ""},
      {"silent", ""},
      {"wait 2", ""},
      {"silent", ""}, // no evidence
      {"report tables/7", "TERM a"},
  });
}

TEST(SupervisorPresence, WithoutTheOptionInADryRunOrWithoutAWatchdogNothingIsEnded)
{
  WdLimits dry = with_timeout(10), off = with_timeout(10);
  dry.dry_run = TRUE;
  off.enforce = FALSE;
  for (const WdLimits &limits : {with_timeout(0), dry, off}) {
    Machine machine(limits, {"tables", "a"});
    machine.boot();
    machine.act("report tables/7");
    machine.act("wait 6");
    machine.act("report tables/7");
    machine.act("wait 6");
    EXPECT_EQ(machine.act("report tables/7"),
              limits.dry_run ? "would_terminate a registration" : "");
    EXPECT_EQ(machine.act("report tables/7"), "");
  }
}

TEST(SupervisorPresence, AWorkersEndStopsTheClock)
{
  Machine machine(with_timeout(10), {"tables", "a"});
  machine.boot();
  machine.act("report tables/7");
  machine.act("wait 9");
  machine.act("killed worker 9");
  machine.act("next");
  machine.act("spawned worker");
  machine.act("wait 2");
  EXPECT_EQ(machine.act("report tables/8"), "extension_registered tables");
  machine.act("wait 9");
  EXPECT_EQ(machine.act("report tables/8"), "");
}

// --- --unresponsive_timeout ---

WdLimits
with_unresponsive_timeout(gint64 timeout_s)
{
  WdLimits limits = normal_limits();
  limits.unresponsive_timeout_s = timeout_s;
  return limits;
}

/* Reports @line every 3 s until something follows from it. Returns: that, and when, in seconds. */
std::string
report_until_news(Machine &machine, const std::string &line)
{
  for (int s = 3; s <= 300; s += 3) {
    machine.act("wait 3");
    const std::string news = machine.act(line);
    if (!news.empty())
      return std::to_string(s) + " " + news;
  }
  return "";
}

TEST(SupervisorPresence, AHungWorkerIsEndedAsForALimit)
{
  Machine machine(with_unresponsive_timeout(10), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  EXPECT_EQ(report_until_news(machine, "silent"), "6 unresponsive worker");
  EXPECT_EQ(report_until_news(machine, "silent"), "12 limit_exceeded worker unresponsive ack");
  const WdEvent *breach = machine.last(WD_EVENT_LIMIT_EXCEEDED);
  EXPECT_EQ(breach->measured, 12000);
  EXPECT_EQ(breach->limit_value, 10000);
  EXPECT_EQ(breach->unit, WD_UNIT_MS);
  EXPECT_EQ(breach->cause_seq, machine.last(WD_EVENT_UNRESPONSIVE)->seq);
  machine.play({
      {"stored", "USR1 worker, TERM worker"},
      {"silent", ""},
      {"wait 4", "@4 log, KILL worker"},
      {"killed worker 9", "process_terminated worker unresponsive, "
                          "extension_unregistered tables worker_gone, spawn worker"},
  });
  const WdEvent *ended = machine.last(WD_EVENT_PROCESS_TERMINATED);
  EXPECT_EQ(ended->measured, 12000);
  EXPECT_EQ(ended->limit_value, 10000);
  EXPECT_EQ(ended->cause_seq, breach->seq);
  EXPECT_EQ(machine.status("worker")["terminations"], "1");
}

TEST(SupervisorPresence, AHungExtensionIsEndedWithoutTheExtensionsWatchdogToo)
{
  WdLimits limits = with_unresponsive_timeout(10);
  limits.enforce_extensions = FALSE;
  Machine machine(limits, {"tables", "a"});
  machine.boot();
  machine.act("report tables/7 a/9");
  EXPECT_EQ(report_until_news(machine, "report tables/7 a/9!"), "6 unresponsive a");
  // osquery drops it, and it still is hung.
  machine.act("wait 3");
  EXPECT_EQ(machine.act("report tables/7"), "extension_unregistered a registration");
  EXPECT_EQ(report_until_news(machine, "report tables/7"), "9 limit_exceeded a unresponsive ack");
  machine.play({
      {"stored", "TERM a"},
      {"exited a 0", "process_terminated a unresponsive"},
      {"wait 60", "@3.5 spawn a"},
  });
}

TEST(SupervisorPresence, AProcessThatHangsAgainAndAgainBacksOffAndIsNeverGivenUp)
{
  Machine machine(with_unresponsive_timeout(10), {"tables", "a"});
  machine.boot();
  for (const char *delay : {"@3.5 ", "@3.5 ", "@5 ", "@10 ", "@20 ", "@40 ", "@60 ", "@60 "}) {
    machine.act("report tables/7 a/9");
    EXPECT_EQ(report_until_news(machine, "report tables/7 a/9!"), "6 unresponsive a");
    EXPECT_EQ(report_until_news(machine, "report tables/7 a/9!"),
              "12 limit_exceeded a unresponsive ack");
    machine.act("stored");
    const std::string after = machine.act("exited a 0");
    EXPECT_EQ(after, std::string("process_terminated a unresponsive, "
                                 "extension_unregistered a unresponsive") +
                         (delay[1] == '3' ? "" : ", respawn_delayed a unresponsive"))
        << delay;
    EXPECT_EQ(machine.act("wait 60"), std::string(delay) + "spawn a");
    machine.act("spawned a");
  }
}

TEST(SupervisorPresence, AWorkerThatHasNotAnsweredYetIsLeftAlone)
{
  Machine machine(with_unresponsive_timeout(10), {"tables"});
  machine.boot();
  machine.act("silent");
  EXPECT_EQ(report_until_news(machine, "silent"), "3 unresponsive worker");
  EXPECT_EQ(report_until_news(machine, "silent"), "");
  EXPECT_EQ(machine.act("report tables/7"), "responsive worker, extension_registered tables");
  EXPECT_EQ(machine.last(WD_EVENT_RESPONSIVE)->duration_ms, 300000);
  EXPECT_EQ(report_until_news(machine, "silent"), "6 unresponsive worker");
  EXPECT_EQ(report_until_news(machine, "silent"), "12 limit_exceeded worker unresponsive ack");
}

TEST(SupervisorPresence, ASilenceThatIsNotKnownToLastEndsNobody)
{
  Machine machine(with_unresponsive_timeout(10), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  EXPECT_EQ(report_until_news(machine, "silent"), "6 unresponsive worker");
  machine.play({
      {"wait 3600", ""},
      {"silent", ""},
      {"wait 9", ""},
      {"silent", ""},
      {"wait 3", ""},
      {"silent", "limit_exceeded worker unresponsive ack"},
  });
}

TEST(SupervisorPresence, AHungProcessHasTheWatchdogsDelayToo)
{
  WdLimits limits = with_unresponsive_timeout(10);
  limits.watchdog_delay_s = 60;
  Machine machine(limits, {"tables"});
  machine.boot();
  machine.act("report tables/7");
  EXPECT_EQ(report_until_news(machine, "silent"), "6 unresponsive worker");
  EXPECT_EQ(report_until_news(machine, "silent"), "54 limit_exceeded worker unresponsive ack");
}

TEST(SupervisorPresence, NoHungProcessIsEndedWithoutTheOptionInADryRunOrWithoutAWatchdog)
{
  WdLimits dry = with_unresponsive_timeout(10), off = with_unresponsive_timeout(10);
  dry.dry_run = TRUE;
  off.enforce = FALSE;
  for (const WdLimits &limits : {with_unresponsive_timeout(0), dry, off}) {
    Machine machine(limits, {"tables", "a"});
    machine.boot();
    for (int episode = 0; episode < 2; episode++) {
      machine.act("report tables/7 a/9");
      EXPECT_EQ(report_until_news(machine, "report tables/7 a/9!"), "6 unresponsive a");
      if (limits.dry_run)
        EXPECT_EQ(report_until_news(machine, "report tables/7 a/9!"),
                  "12 would_terminate a unresponsive");
      EXPECT_EQ(report_until_news(machine, "report tables/7 a/9!"), "");
    }
  }
}

TEST(SupervisorPresence, AReloadSetsTheUnresponsiveTimeout)
{
  Machine machine(with_unresponsive_timeout(0), {"tables"});
  machine.boot();
  machine.act("report tables/7");
  EXPECT_EQ(report_until_news(machine, "silent"), "6 unresponsive worker");
  EXPECT_EQ(report_until_news(machine, "silent"), "");
  machine.limits.unresponsive_timeout_s = 10;
  machine.act("settings");
  EXPECT_EQ(report_until_news(machine, "silent"), "3 limit_exceeded worker unresponsive ack");
}
} // namespace
