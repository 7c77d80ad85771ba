#include <gtest/gtest.h>
#include <string>

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
