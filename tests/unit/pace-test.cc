#include <gtest/gtest.h>

extern "C" {
#include "watchdog/core/output/pace.h"
}

/* Works in portions of @portion_us CPU time whenever the pace allows it. Returns: the CPU time used
 * until @end_us. */
static gint64
work(gint64 portion_us, gint64 begin_us, gint64 end_us)
{
  WdPace pace = wd_pace_begin(begin_us);
  gint64 now_us = begin_us;
  gint64 used_us = 0;
  while (now_us < end_us) {
    used_us += portion_us;
    now_us += portion_us;
    now_us += wd_pace_take(&pace, portion_us, now_us);
  }
  return used_us;
}

TEST(Pace, IsNoMoreThanItsShareInTheLongRun)
{
  for (const gint64 portion_us : {10, 1000, 30000, 500000}) {
    const gint64 used_us = work(portion_us, 5, 5 + 1000 * G_USEC_PER_SEC);
    const gint64 share_us = 1000 * G_USEC_PER_SEC * WD_PACE_PERCENT / 100;
    EXPECT_LE(used_us, share_us + WD_PACE_BURST_US + portion_us) << portion_us;
    EXPECT_GE(used_us, share_us * 9 / 10) << portion_us;
  }
}

TEST(Pace, AllowsABurstAfterARest)
{
  WdPace pace = wd_pace_begin(0);
  EXPECT_EQ(wd_pace_take(&pace, WD_PACE_BURST_US, 0), 0);
  EXPECT_EQ(wd_pace_take(&pace, 1000, 0), 1000 * 100 / WD_PACE_PERCENT);
  /* However long the rest, or backwards. */
  for (const gint64 now_us : {G_GINT64_CONSTANT(1) << 40, G_MAXINT64, G_GINT64_CONSTANT(0)}) {
    wd_pace_take(&pace, 0, G_MAXINT64);
    pace.left_us = WD_PACE_BURST_US;
    EXPECT_EQ(wd_pace_take(&pace, WD_PACE_BURST_US, now_us), 0);
    EXPECT_GT(wd_pace_take(&pace, 1, now_us), 0);
  }
}

TEST(Pace, LetsGoOnWhenItSaid)
{
  WdPace pace = wd_pace_begin(0);
  const gint64 wait_us = wd_pace_take(&pace, WD_PACE_BURST_US + 20000, 0);
  EXPECT_EQ(wait_us, G_USEC_PER_SEC);
  EXPECT_GT(wd_pace_take(&pace, 0, wait_us / 2), 0);
  EXPECT_EQ(wd_pace_take(&pace, 0, wait_us), 0);
}
