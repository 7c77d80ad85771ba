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
