#include "watchdog/core/machine/respawn.h"

#include <gtest/gtest.h>

#include <vector>

namespace
{

constexpr gint64 SECOND = G_USEC_PER_SEC;

WdLimits
normal()
{
  WdLimits limits = {};
  limits.respawn_limit = 4;
  limits.quick_exit_s = 4;
  limits.respawn_delay_s = 5;
  limits.max_delay_s = 600;
  return limits;
}

struct Run {
  gint64 lifetime_us;
  gint64 delay_s;
  bool give_up;
};

void
expect_runs(const WdLimits &limits, const std::vector<Run> &runs)
{
  WdRespawn respawn = {};
  for (std::size_t i = 0; i < runs.size(); i++) {
    WdRespawnDecision decision = wd_respawn_exited(&respawn, runs[i].lifetime_us, &limits);
    EXPECT_EQ(decision.delay_us, runs[i].delay_s * SECOND) << "exit " << i + 1;
    EXPECT_EQ(decision.give_up, runs[i].give_up) << "exit " << i + 1;
  }
}

TEST(Respawn, QuickExitsBackOffAndGiveUpAtTheFifth)
{
  expect_runs(normal(), {{0, 7, false},
                         {1, 9, false},
                         {3 * SECOND, 13, false},
                         {3 * SECOND - 1, 21, false},
                         {0, 37, true},
                         {0, 69, true}});
}

TEST(Respawn, ShortRunsWaitFromTheThirdOnAndNeverGiveUp)
{
  expect_runs(normal(), {{3 * SECOND + 1, 0, false},
                         {59 * SECOND, 0, false},
                         {30 * SECOND, 0, false},
                         {58 * SECOND, 2, false},
                         {10 * SECOND, 2, false},
                         {60 * SECOND, 0, false},
                         {10 * SECOND, 0, false},
                         {10 * SECOND, 0, false},
                         {10 * SECOND, 2, false}});
}

TEST(Respawn, AShortRunNeitherForgivesQuickExitsNorCountsAsOne)
{
  expect_runs(normal(), {{0, 7, false},
                         {0, 9, false},
                         {10 * SECOND, 0, false},
                         {0, 13, false},
                         {0, 21, false},
                         {10 * SECOND, 0, false},
                         {0, 37, true}});
}

/* Every history of six runs: osquery's watcher counts quick exits for life, and sees a process's
 * end and age at its next check, 3, 6, 9 … s after the start (osquery/core/watcher.cpp,
 * createWorker). */
TEST(Respawn, NothingComesBackLaterThanWithOsquerysOwnWatcher)
{
  const std::vector<gint64> ages_us = {0,          1 * SECOND,      3 * SECOND,  7 * SECOND / 2,
                                       5 * SECOND, 59 * SECOND - 1, 60 * SECOND, 600 * SECOND};
  const std::size_t runs = 6;
  const WdLimits limits = normal();
  for (std::size_t history = 0; history < 1u << 3 * runs; history++) {
    WdRespawn respawn = {};
    guint quick_exits = 0;
    for (std::size_t run = 0; run < runs; run++) {
      const gint64 age_us = ages_us[history >> 3 * run & 7];
      const gint64 check_us = MAX((age_us + 3 * SECOND - 1) / (3 * SECOND), 1) * 3 * SECOND;
      const bool quick = check_us < limits.quick_exit_s * SECOND;
      const gint64 latest_us =
          check_us - age_us + (quick ? wd_respawn_stock_delay_us(++quick_exits, &limits) : 0);
      const WdRespawnDecision decision = wd_respawn_exited(&respawn, age_us, &limits);
      ASSERT_LE(decision.delay_us, latest_us) << "history " << history << ", run " << run;
      ASSERT_LE(decision.give_up, quick_exits > limits.respawn_limit);
    }
  }
}

TEST(Respawn, AGoodRunWaitsForNothingAndForgives)
{
  expect_runs(normal(), {{0, 7, false},
                         {0, 9, false},
                         {0, 13, false},
                         {0, 21, false},
                         {60 * SECOND, 0, false},
                         {0, 7, false},
                         {0, 9, false},
                         {0, 13, false},
                         {0, 21, false},
                         {0, 37, true}});
}

TEST(Respawn, LevelMinusOneHardlyEverGivesUp)
{
  WdLimits limits = normal();
  limits.respawn_limit = 1000;
  limits.quick_exit_s = 1000;
  limits.respawn_delay_s = 1;
  WdRespawn respawn = {};
  EXPECT_EQ(wd_respawn_exited(&respawn, 0, &limits).delay_us, 3 * SECOND);
  for (int i = 2; i <= 1000; i++)
    ASSERT_FALSE(wd_respawn_exited(&respawn, 10 * SECOND, &limits).give_up) << i;
  EXPECT_TRUE(wd_respawn_exited(&respawn, 10 * SECOND, &limits).give_up);
  EXPECT_EQ(wd_respawn_exited(&respawn, 100 * SECOND, &limits).delay_us, 0);
}

TEST(Respawn, MaxDelayCapsAndZeroMeansNoDelay)
{
  WdLimits limits = normal();
  limits.max_delay_s = 10;
  expect_runs(limits,
              {{0, 7, false}, {0, 9, false}, {0, 10, false}, {0, 10, false}, {0, 10, true}});
  limits.max_delay_s = 0;
  expect_runs(limits, {{0, 0, false}, {0, 0, false}, {0, 0, false}, {0, 0, false}, {0, 0, true}});
}

/* Osquery's watcher sees the first at its check after 6 s, the other after 3 s. */
TEST(Respawn, TheAgeAtTheNextCheckCounts)
{
  WdLimits limits = normal();
  WdRespawn respawn = {};
  wd_respawn_exited(&respawn, 3 * SECOND + 1, &limits);
  EXPECT_EQ(respawn.quick_exits, 0u);
  wd_respawn_exited(&respawn, 3 * SECOND, &limits);
  EXPECT_EQ(respawn.quick_exits, 1u);
}

TEST(Respawn, SpawnFailuresCountAsQuickExits)
{
  WdLimits limits = normal();
  WdRespawn respawn = {};
  for (gint64 delay_s : {7, 9, 13, 21}) {
    WdRespawnDecision decision = wd_respawn_exited(&respawn, 0, &limits);
    EXPECT_EQ(decision.delay_us, delay_s * SECOND);
    EXPECT_FALSE(decision.give_up);
  }
  EXPECT_TRUE(wd_respawn_exited(&respawn, 0, &limits).give_up);
}

TEST(Respawn, LimitKillsBackOffFromTheThird)
{
  WdLimits limits = normal();
  WdRespawn respawn = {};
  for (gint64 delay_s : {0, 0, 5, 10, 20, 40, 60, 60, 60})
    EXPECT_EQ(wd_respawn_terminated(&respawn, 75 * SECOND, &limits), delay_s * SECOND);
  EXPECT_EQ(wd_respawn_terminated(&respawn, 600 * SECOND - 1, &limits), 60 * SECOND);
  EXPECT_EQ(wd_respawn_terminated(&respawn, 600 * SECOND, &limits), 0) << "forgiven";
  EXPECT_EQ(wd_respawn_terminated(&respawn, 0, &limits), 0);
  EXPECT_EQ(wd_respawn_terminated(&respawn, 0, &limits), 5 * SECOND);
}

TEST(Respawn, LimitKillsNeverCountTowardsTheRespawnLimit)
{
  WdLimits limits = normal();
  WdRespawn respawn = {};
  for (int i = 0; i < 100; i++)
    wd_respawn_terminated(&respawn, 0, &limits);
  WdRespawnDecision decision = wd_respawn_exited(&respawn, 0, &limits);
  EXPECT_EQ(decision.delay_us, 7 * SECOND);
  EXPECT_FALSE(decision.give_up);
}

TEST(Respawn, ALongRunForgivesLimitKillsHoweverItEnds)
{
  WdLimits limits = normal();
  WdRespawn respawn = {};
  wd_respawn_terminated(&respawn, 0, &limits);
  wd_respawn_terminated(&respawn, 0, &limits);
  wd_respawn_exited(&respawn, 599 * SECOND, &limits);
  EXPECT_EQ(respawn.limit_kills, 2u) << "an exit alone doesn't forgive";
  wd_respawn_exited(&respawn, 600 * SECOND, &limits);
  EXPECT_EQ(respawn.limit_kills, 0u);
}

TEST(Respawn, ALongRunUpToATerminationForgivesQuickExits)
{
  WdLimits limits = normal();
  WdRespawn respawn = {};
  wd_respawn_exited(&respawn, 0, &limits);
  wd_respawn_terminated(&respawn, 59 * SECOND, &limits);
  EXPECT_EQ(respawn.quick_exits, 1u);
  wd_respawn_terminated(&respawn, 60 * SECOND, &limits);
  EXPECT_EQ(respawn.quick_exits, 0u);
  EXPECT_EQ(respawn.short_runs, 0u);
}

TEST(Respawn, MaxDelayCapsLimitKillsToo)
{
  WdLimits limits = normal();
  limits.max_delay_s = 7;
  WdRespawn respawn = {};
  for (gint64 delay_s : {0, 0, 5, 7, 7})
    EXPECT_EQ(wd_respawn_terminated(&respawn, 0, &limits), delay_s * SECOND);
  limits.max_delay_s = 0;
  EXPECT_EQ(wd_respawn_terminated(&respawn, 0, &limits), 0);
}

TEST(Respawn, NoCountOverflows)
{
  WdLimits limits = normal();
  limits.max_delay_s = G_MAXINT64;
  for (guint n : {0u, 39u, 40u, 62u, 63u, 64u, G_MAXUINT - 1, G_MAXUINT}) {
    WdRespawn respawn = {n, n, n};
    EXPECT_GT(wd_respawn_exited(&respawn, 0, &limits).delay_us, 0) << n;
    EXPECT_GE(respawn.quick_exits, n);
    EXPECT_GE(respawn.short_runs, n);
    wd_respawn_terminated(&respawn, 0, &limits);
    EXPECT_GE(respawn.limit_kills, n);
    EXPECT_EQ(wd_respawn_terminated(&respawn, 0, &limits), n == 0 ? 0 : 60 * SECOND) << n;
  }
}

TEST(Respawn, TheDelaysOfOsquerysOwnWatcher)
{
  WdLimits limits = normal();
  const gint64 delays_s[] = {7, 9, 13, 21};
  for (guint n = 1; n <= 4; n++)
    EXPECT_EQ(wd_respawn_stock_delay_us(n, &limits), delays_s[n - 1] * SECOND);
  EXPECT_EQ(wd_respawn_stock_delay_us(G_MAXUINT, &limits), limits.max_delay_s * SECOND);
}

} // namespace
