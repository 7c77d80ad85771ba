/* Extensions that go because the worker does use up nothing. */
#include "tests/unit/machine.h"

namespace
{

class FollowTest : public testing::Test
{
protected:
  FollowTest() : machine(normal_limits(), {"tables", "a"})
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
      {"report", ""},
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
      {"report", ""},
      {"exited a 0", "process_exited a exit, respawn_delayed a exit"},
      {"wait 2.1", ""}, /* more than just before */
      {"exited worker 0", "process_exited worker exit, spawn worker"},
  });
  EXPECT_EQ(machine.status("a")["quick_exits"], "1");
}

/* It looks for the manager in vain until its timeout. */
TEST_F(FollowTest, TheWorkerGoesWhileItIsSpawned)
{
  machine.play({
      {"wait 60", ""},
      {"report", ""},
      {"exited a 0", "process_exited a exit"},
      {"wait 3.5", "@3.5 spawn a"},
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
      {"report", ""},
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
      {"report", ""},
      {"exited a 0", "process_exited a exit"},
      {"wait 3.5", "@3.5 spawn a"},
  });
}

/* A spawn failure since then is its own fault, and so is what a limit kill counted. */
TEST_F(FollowTest, OnlyTheExitItselfIsTakenBack)
{
  machine.play({
      {"wait 60", ""},
      {"report", ""},
      {"exited a 0", "process_exited a exit"},
      {"wait 3.5", "@3.5 spawn a"},
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
  Machine other(limits, {"tables", "a"});
  other.boot();
  other.play({
      {"wait 58.5", ""},
      {"report", ""},
      {"exited a 0", "process_exited a exit"},
      {"wait 3.5", "@3.5 spawn a"},
      {"spawned a", "process_started a"},
      {"exited a 0", "process_exited a exit"},
      {"report", "respawn_limit_reached a exit"},
      {"exited worker 0", "process_exited worker exit, spawn worker"},
      {"spawned worker", "process_started worker"},
      {"accepts", "spawn a"},
  });
}

} // namespace
