#include "watchdog/core/settings/limits.h"

#include <gtest/gtest.h>

namespace
{

constexpr gint64 MIB = 1024 * 1024;

struct Case {
  WdLimitFlags flags; /* level, memory, utilization, latency */
  gint64 memory_bytes;
  gint64 utilization;
  gint64 latency_s;
  gint64 respawns; /* and the seconds of a quick exit */
  gint64 delay_s;
};

const Case CASES[] = {
    {{0, 0, 0, 0}, 200 * MIB, 10, 12, 4, 5},
    {{1, 0, 0, 0}, 100 * MIB, 5, 6, 4, 5},
    {{-1, 0, 0, 0}, 10000 * MIB, 100, 1000, 1000, 1},
    {{2, 0, 0, 0}, 200 * MIB, 10, 12, 4, 5},
    {{-2, 0, 0, 0}, 200 * MIB, 10, 12, 4, 5},
    {{0, 300, 0, 0}, 300 * MIB, 10, 12, 4, 5},
    {{1, 0, 20, 0}, 100 * MIB, 20, 6, 4, 5},
    {{-1, 0, 0, 30}, 10000 * MIB, 100, 30, 1000, 1},
    {{0, 1, 100, 1}, 1 * MIB, 100, 1, 4, 5},
    {{0, 0, 101, 0}, 200 * MIB, 100, 12, 4, 5},
    {{0, G_MAXINT64, G_MAXINT64, G_MAXINT64}, G_MAXINT64, 100, WD_LIMITS_MAX_S, 4, 5},
};

TEST(Limits, AreTheLevelsUnlessAFlagSaysOtherwise)
{
  for (const Case &c : CASES) {
    WdLimits limits = {};
    limits.max_delay_s = 17;
    wd_limits_resolve(&limits, &c.flags);
    EXPECT_EQ(limits.memory_limit_bytes, c.memory_bytes) << c.flags.level;
    EXPECT_EQ(limits.utilization_limit, c.utilization) << c.flags.level;
    EXPECT_EQ(limits.latency_limit_s, c.latency_s) << c.flags.level;
    EXPECT_EQ(limits.respawn_limit, c.respawns) << c.flags.level;
    EXPECT_EQ(limits.quick_exit_s, c.respawns) << c.flags.level;
    EXPECT_EQ(limits.respawn_delay_s, c.delay_s) << c.flags.level;
    EXPECT_EQ(limits.max_delay_s, 17) << "left alone";
  }
}

TEST(Limits, TheCheckIntervalIsThreeSecondsAtEveryLevel)
{
  EXPECT_EQ(WD_CHECK_INTERVAL_S, 3);
}

TEST(Limits, LevelsHaveNames)
{
  EXPECT_STREQ(wd_limits_level_name(-1), "-1");
  EXPECT_STREQ(wd_limits_level_name(0), "normal");
  EXPECT_STREQ(wd_limits_level_name(1), "restrictive");
  EXPECT_STREQ(wd_limits_level_name(7), "normal");
}

} // namespace
