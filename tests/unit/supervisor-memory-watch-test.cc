/* Processes of which the kernel says when they take memory. */
#include "tests/unit/machine.h"

namespace
{

/* The baseline is taken 250 ms after the start, and 200 MB more are allowed. */
class MemoryWatch : public testing::Test
{
protected:
  void start()
  {
    machine.play({{"tick", "watchdog_started watchdog, spawn worker"},
                  {"counted worker", "process_started worker"},
                  {"wait 0.2", ""},
                  {"wait 0.8", "@0.05 count worker"}});
  }

  bool looks_within(double seconds) const
  {
    return wd_machine_deadline(machine.get()) <
           machine.now_us + static_cast<gint64>(seconds * G_USEC_PER_SEC);
  }

  static WdLimits limits()
  {
    WdLimits limits = normal_limits();
    limits.manager = FALSE;
    limits.memory_limit_bytes = 200'000'000;
    return limits;
  }

  Machine machine{limits()};
};

TEST_F(MemoryWatch, AnIdleProcessIsLookedAtAtRegularChecksAlone)
{
  start();
  machine.play({{"memory worker 900", ""}}); /* as if it were idle: nothing faulted */
  EXPECT_FALSE(looks_within(1.9));
  machine.play({{"wait 1.9", ""}});
}

TEST_F(MemoryWatch, AProcessThatTookMemoryIsLookedAtAtOnce)
{
  start();
  machine.play({{"memory worker 900", ""},
                {"faulted worker", ""},
                {"wait 0", "@0 limit_exceeded worker memory ack"}});
}

TEST_F(MemoryWatch, ItIsCountedAgainAfterTheLook)
{
  start();
  machine.play({{"memory worker 100", ""},
                {"faulted worker", ""},
                {"wait 0", "@0 count worker"},
                {"wait 1.9", ""},
                {"memory worker 900", ""},
                {"faulted worker", ""},
                {"wait 0", "@0 limit_exceeded worker memory ack"}});
}

/* It faults again at once, but can't cross its limit before 200 ms have passed. */
TEST_F(MemoryWatch, ABusyProcessIsLookedAtAsOftenAsItCouldMatter)
{
  start();
  machine.play({{"faulted worker", ""}, {"wait 0", "@0 count worker"}});
  for (int i = 0; i < 5; i++)
    machine.play({{"faulted worker", ""}, {"wait 0.2", "@0.2 count worker"}});
  /* 190 MB taken, 10 left. */
  machine.play({{"memory worker 191", ""},
                {"faulted worker", ""},
                {"wait 0.2", "@0.2 count worker"},
                {"faulted worker", ""},
                {"wait 0.02", "@0.02 count worker"}});
}

TEST_F(MemoryWatch, ARegularCheckIsALookToo)
{
  start();
  machine.play({{"wait 1.9", ""}, {"faulted worker", ""}, {"wait 0", "@0 count worker"}});
  machine.play({{"faulted worker", ""}, {"wait 0.15", "@0.1 count worker"}, {"wait 2.9", ""}});
}

TEST_F(MemoryWatch, WhatCannotBeReadIsNotCounted)
{
  start();
  machine.play({{"faulted worker", ""},
                {"unreadable worker", ""},
                {"wait 0", ""},
                {"readable worker", ""},
                {"memory worker 900", ""},
                {"wait 1.9", ""},
                {"next", "count worker"}}); /* the first regular check moves the baseline */
}

TEST_F(MemoryWatch, NothingIsCountedWhereNoLimitIsEnforced)
{
  Machine delayed([] {
    WdLimits delayed_limits = limits();
    delayed_limits.watchdog_delay_s = 10;
    return delayed_limits;
  }());
  delayed.play({{"tick", "watchdog_started watchdog, spawn worker"},
                {"counted worker", "process_started worker"},
                {"wait 9.9", ""},
                {"wait 0.2", "@0.1 count worker"}});
}

TEST_F(MemoryWatch, WhatIsBeingEndedIsNotLookedAt)
{
  start();
  machine.play({{"stop", "TERM worker"}, {"faulted worker", ""}, {"wait 1.9", ""}});
}

TEST_F(MemoryWatch, ItsSuccessorMayHaveNoCounter)
{
  start();
  EXPECT_EQ(machine.status("worker")["memory_watch"], "events");
  EXPECT_EQ(machine.status("watchdog")["memory_watch"], "NULL");
  machine.play({{"wait 10", ""}, {"killed worker 9", "process_exited worker signal, spawn worker"}});
  EXPECT_EQ(machine.status("worker")["memory_watch"], "NULL");
  machine.play({{"spawned worker", "process_started worker"}, {"wait 1", ""}});
  EXPECT_EQ(machine.status("worker")["memory_watch"], "polling");
  EXPECT_TRUE(looks_within(0.6));
}

} // namespace
