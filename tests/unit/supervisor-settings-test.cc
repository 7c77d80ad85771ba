/* Settings that change while everything runs. */
#include "tests/unit/machine.h"

namespace
{

TEST(Settings, OtherLimitsHoldFromTheNextCheckOn)
{
  Machine machine;
  machine.boot();
  machine.play({{"wait 4", ""}, {"memory worker 150", ""}, {"wait 10", ""}});
  machine.limits.memory_limit_bytes = 100 * kMegabyte;
  machine.play({{"settings", "settings_changed watchdog request"}});
  EXPECT_STREQ(machine.last(WD_EVENT_SETTINGS_CHANGED)->message, "settings changed");
  EXPECT_STREQ(machine.last(WD_EVENT_SETTINGS_CHANGED)->details, "{}");
  machine.play({{"next", "limit_exceeded worker memory ack"}});
  EXPECT_EQ(machine.last(WD_EVENT_LIMIT_EXCEEDED)->limit_value, 100 * kMegabyte);
}

/* The delay counts from the worker's start, also when it is changed later. */
TEST(Settings, ALongerDelayHoldsEnforcementBack)
{
  Machine machine;
  machine.boot();
  machine.limits.watchdog_delay_s = 20;
  machine.play({{"wait 4", ""},
                {"settings", "settings_changed watchdog request"},
                {"memory worker 500", ""},
                {"wait 15", ""}});
  EXPECT_EQ(machine.act("wait 3").find("limit_exceeded") != std::string::npos, true);
}

TEST(Settings, AnExtensionTakenOffTheListIsEndedAndStaysAway)
{
  Machine machine(normal_limits(), {"a", "b"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"unwanted a", "TERM a"},
      {"wait 10", "@4 log, KILL a, @6 termination_stuck a settings"},
      {"killed a 9", "process_terminated a settings"},
      {"wait 700", ""},
  });
  EXPECT_EQ(machine.status("a")["state"], "");
  EXPECT_EQ(machine.status("b")["state"], "running");
}

TEST(Settings, AWaitingExtensionTakenOffTheListIsNotStarted)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.play({
      {"wait 1", ""},
      {"report", ""},
      {"exited a 1", "process_exited a exit, respawn_delayed a exit"},
      {"unwanted a", ""},
      {"wait 100", ""},
  });
}

TEST(Settings, OneTakenOffTheListWhileItIsSpawnedIsEndedThen)
{
  Machine machine(normal_limits(), {"a"});
  machine.play({
      {"tick", "watchdog_started watchdog, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a"},
      {"unwanted a", ""},
      {"spawned a", "process_started a, TERM a"},
      {"killed a 15", "process_terminated a settings"},
      {"wait 100", ""},
  });
}

TEST(Settings, OneThatComesBackBeginsAnew)
{
  Machine machine(normal_limits(), {"tables", "a"});
  machine.boot();
  machine.play({
      {"wait 1", ""},
      {"report", ""},
      {"exited a 1", "process_exited a exit, respawn_delayed a exit"},
      {"unwanted a", ""},
      {"wait 1", ""},
      {"wanted a", "spawn a"},
      {"spawned a", "process_started a"},
  });
  EXPECT_EQ(machine.status("a")["quick_exits"], "0");
}

TEST(Settings, NothingWaitsForAStartOnceEverythingStops)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"unwanted a", "TERM a"},
      {"killed a 15", "process_terminated a settings"},
      {"stop", "TERM worker"},
      {"wanted a", ""},
  });
  machine.add("b");
  EXPECT_EQ(machine.status("a")["state"], "stopped");
  EXPECT_EQ(machine.status("b")["state"], "stopped");
}

/* Never two of one extension: the first has to be gone. */
TEST(Settings, OneThatComesBackWhileItIsEndedStartsOnceItIsGone)
{
  Machine machine(normal_limits(), {"a"});
  machine.boot();
  machine.play({
      {"wait 4", ""},
      {"unwanted a", "TERM a"},
      {"wanted a", ""},
      {"wait 1", ""},
      {"killed a 15", "process_terminated a settings"},
      {"wait 3.5", "@3.5 spawn a"},
  });
}

} // namespace
