#include <gtest/gtest.h>
#include <string>
#include <sys/syscall.h>

extern "C" {
#include "watchdog/core/kernel/wait-channel.h"
}

TEST(WaitChannel, IsAFutexByAnyOfItsNames)
{
  const struct {
    std::string text;
    bool is_futex;
  } cases[] = {
      {"futex_wait_queue_me", true},
      {"futex_wait_queue", true},
      {"futex_do_wait", true},
      {"do_futex", true},
      {"__futex_wait", true},
      {"0", false},
      {"", false},
      {"hrtimer_nanosleep", false},
      {"do_epoll_wait", false},
      {"pipe_read", false},
      {"not_a_futex", false},
      {std::string("\0futex", 6), false},
      {"fute", false},
  };
  for (const auto &one : cases)
    EXPECT_EQ(wd_wait_channel_is_futex(one.text.data(), one.text.size()), one.is_futex) << one.text;
  /* Only what it is given. */
  EXPECT_FALSE(wd_wait_channel_is_futex("futex_wait", 4));
}

TEST(WaitSyscall, IsAPauseIfItIsAFutexUntilATime)
{
  const std::string futex = std::to_string(SYS_futex);
  const std::string rest = " 0x0 0xffffffff 0x7ffff6c97670 0x7fb8510a3f16\n";
  const struct {
    std::string text;
    bool is_pause;
  } cases[] = {
      {futex + " 0x558a4a08cdb0 0x89 0x0 0x7fb83eff50c0" + rest, true},
      {futex + " 0x558a49ea8964 0x189 0x0 0x0" + rest, false}, /* a lock */
      {"7 0x7fb830ff0d90 0x2 0xffffffff 0x1" + rest, false},   /* poll */
      {futex + "1 0x1 0x89 0x0 0x1" + rest, false},
      {futex + " 0x1 0x89 0x0", false},
      {futex + " 0x1 0x89 0x0 ", false},
      {"running\n", false},
      {"-1 0x7ffff6c97670 0x7fb8510a3f16\n", false},
      {"", false},
  };
  for (const auto &one : cases)
    EXPECT_EQ(wd_wait_syscall_is_pause(one.text.data(), one.text.size()), one.is_pause) << one.text;
}

TEST(WaitLook, NeedsTwoLooksInARowWithTimeBetweenThem)
{
  enum { MS = 1000, SAID = 5, LATER = 6 };
  WdWaitLook look = {};
  EXPECT_FALSE(wd_wait_look(&look, TRUE, SAID, 100 * MS));
  EXPECT_FALSE(wd_wait_look(&look, TRUE, SAID, 119 * MS));
  EXPECT_TRUE(wd_wait_look(&look, TRUE, SAID, 120 * MS));
  /* It worked in between. */
  EXPECT_FALSE(wd_wait_look(&look, FALSE, SAID, 130 * MS));
  EXPECT_FALSE(wd_wait_look(&look, TRUE, SAID, 160 * MS));
  EXPECT_TRUE(wd_wait_look(&look, TRUE, SAID, 190 * MS));
  /* It has said something else since. */
  EXPECT_FALSE(wd_wait_look(&look, TRUE, LATER, 220 * MS));
  EXPECT_TRUE(wd_wait_look(&look, TRUE, LATER, 240 * MS));
}

TEST(WaitLook, FollowsTheEndOfShortQueriesSoonAndLongOnesRarely)
{
  enum { MS = 1000, SAID = 5 };
  const struct {
    gint64 now_us;
    bool waits;
    gint64 next_us;
  } cases[] = {
      {SAID, false, SAID + 20 * MS},
      {SAID + 40 * MS, false, SAID + 60 * MS},
      {SAID + 400 * MS, false, SAID + 500 * MS},
      {SAID + 4000 * MS, false, SAID + 5000 * MS},
      {SAID + 60000 * MS, false, SAID + 63000 * MS},
      {SAID + 60000 * MS, true, SAID + 60020 * MS},
  };
  for (const auto &one : cases) {
    WdWaitLook look = {};
    (void)wd_wait_look(&look, one.waits, SAID, one.now_us);
    EXPECT_EQ(wd_wait_next_look_us(&look, SAID, one.now_us), one.next_us) << one.now_us;
  }
}
