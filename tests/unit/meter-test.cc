#include "watchdog/core/machine/meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace
{

constexpr gint64 MS = 1000;
constexpr gint64 SECOND = G_USEC_PER_SEC;
constexpr gint64 MIB = 1024 * 1024;
constexpr gint64 START = 1000 * SECOND;

WdLimits
normal()
{
  WdLimits limits = {};
  limits.memory_limit_bytes = 200 * MIB;
  limits.utilization_limit = 10;
  limits.latency_limit_s = 12;
  limits.cpus = 2;
  return limits;
}

WdSample
used(gint64 user_ms, gint64 system_ms)
{
  return {user_ms, system_ms, 20 * MIB, WD_NONE, 1, 1};
}

WdSample
sized(gint64 resident_bytes, gint64 private_bytes = WD_NONE)
{
  return {0, 0, resident_bytes, private_bytes, 1, 1};
}

class Meter : public testing::Test
{
protected:
  Meter()
  {
    wd_meter_reset(&meter, START);
  }

  WdVerdict sample(const WdSample &what, gint64 at_us, bool regular = true)
  {
    return wd_meter_sample(&meter, &limits, &what, START + at_us, regular);
  }

  WdLimits limits = normal();
  WdMeter meter;
};

TEST_F(Meter, KnowsNothingAfterAReset)
{
  EXPECT_TRUE(std::isnan(meter.utilization));
  EXPECT_EQ(meter.sustained_s, 0);
  EXPECT_EQ(meter.footprint_bytes, WD_NONE);
  EXPECT_EQ(meter.peak_footprint_bytes, WD_NONE);
  EXPECT_EQ(meter.baseline_bytes, WD_NONE);
}

/* 10 % of 2 CPUs over 3 s: 600 ms are allowed, 601 are not. */
TEST_F(Meter, AllowsWhatIsExactlyTheLimit)
{
  sample(used(300, 300), 3 * SECOND);
  EXPECT_EQ(meter.strikes, 0u);
  EXPECT_DOUBLE_EQ(meter.utilization, 10.0);
  sample(used(901, 300), 6 * SECOND);
  EXPECT_EQ(meter.strikes, 1u);
}

TEST_F(Meter, AllowsAShareOfAllCpusAndOfTheTimeThatPassed)
{
  const struct {
    gint64 percent;
    guint cpus;
    gint64 interval_ms;
    gint64 allowed_ms;
  } cases[] = {
      {10, 1, 3000, 300}, {10, 2, 3000, 600},    {10, 64, 3000, 19200}, {5, 8, 3000, 1200},
      {1, 1, 3000, 30},   {100, 4, 3000, 12000}, {10, 2, 3001, 600},    {10, 2, 4500, 900},
  };
  for (const auto &c : cases) {
    limits.utilization_limit = c.percent;
    limits.cpus = c.cpus;
    for (const gint64 over : {0, 1}) {
      wd_meter_reset(&meter, START);
      sample(used(c.allowed_ms, over), c.interval_ms * MS);
      EXPECT_EQ(meter.strikes, over) << c.percent << " % of " << c.cpus;
      EXPECT_EQ(meter.cpu_allowed_ms, c.allowed_ms) << c.percent << " % of " << c.cpus;
    }
  }
}

TEST_F(Meter, StrikesTimesTheIntervalReachTheLatencyLimit)
{
  const struct {
    gint64 latency_s;
    int strikes;
  } cases[] = {{0, 1}, {1, 1}, {3, 1}, {4, 2}, {6, 2}, {7, 3}, {12, 4}, {1000, 334}};
  for (const auto &c : cases) {
    limits.latency_limit_s = c.latency_s;
    wd_meter_reset(&meter, START);
    int strikes = 1;
    while (sample(used(1000 * strikes, 0), 3 * SECOND * strikes).reason == WD_REASON_NONE &&
           strikes < 1000)
      strikes++;
    EXPECT_EQ(strikes, c.strikes) << c.latency_s << " s";
  }
}

TEST_F(Meter, StrikesInARowForTheLatencyLimitAreTooMuch)
{
  for (int i = 1; i <= 3; i++) {
    EXPECT_EQ(sample(used(500 * i, 500 * i), i * 3 * SECOND).reason, WD_REASON_NONE) << i;
    EXPECT_EQ(meter.sustained_s, 3 * i);
  }
  WdVerdict verdict = sample(used(2000, 2000), 12 * SECOND);
  EXPECT_EQ(verdict.reason, WD_REASON_CPU);
  EXPECT_EQ(verdict.measured, 1000);
  EXPECT_EQ(verdict.limit, 600);
  EXPECT_EQ(verdict.unit, WD_UNIT_MS);
  EXPECT_EQ(meter.sustained_s, 12);
  EXPECT_EQ(sample(used(2500, 2500), 15 * SECOND).reason, WD_REASON_CPU) << "and stays so";
}

TEST_F(Meter, OneQuietIntervalForgivesAllStrikes)
{
  for (int i = 1; i <= 3; i++)
    sample(used(1000 * i, 0), i * 3 * SECOND);
  sample(used(3100, 0), 12 * SECOND);
  EXPECT_EQ(meter.sustained_s, 0);
  EXPECT_EQ(sample(used(4100, 0), 15 * SECOND).reason, WD_REASON_NONE);
}

TEST_F(Meter, ALateCheckIsOneIntervalAndJudgedByTheTimeThatPassed)
{
  sample(used(0, 0), 3 * SECOND);
  /* 1000 ms in 10 s: too much for 3 s, but not for what passed. */
  sample(used(1000, 0), 13 * SECOND);
  EXPECT_EQ(meter.strikes, 0u);
  sample(used(6000, 0), 23 * SECOND);
  EXPECT_EQ(meter.strikes, 1u);
  EXPECT_EQ(meter.sustained_s, 3);
  EXPECT_DOUBLE_EQ(meter.utilization, 25.0);
}

TEST_F(Meter, AMissingSampleIsMadeUpForByTheNext)
{
  sample(used(1000, 0), 3 * SECOND);
  WdVerdict verdict = wd_meter_sample(&meter, &limits, nullptr, START + 6 * SECOND, TRUE);
  EXPECT_EQ(verdict.reason, WD_REASON_NONE);
  EXPECT_EQ(meter.strikes, 1u);
  sample(used(2000, 0), 9 * SECOND);
  EXPECT_EQ(meter.strikes, 0u) << "1000 ms in 6 s of 1200 allowed";
}

TEST_F(Meter, CountersThatRunBackwardsAreNoUse)
{
  sample(used(5000, 5000), 3 * SECOND);
  sample(used(10, 5100), 6 * SECOND);
  EXPECT_EQ(meter.strikes, 0u);
  EXPECT_NEAR(meter.utilization, 100.0 * 100 / 6000, 1e-9);
  sample(used(20, 5110), 9 * SECOND);
  EXPECT_NEAR(meter.utilization, 100.0 * 20 / 6000, 1e-9);
}

TEST_F(Meter, LooksAtMemoryDoNotJudgeCpu)
{
  for (int i = 1; i <= 100; i++)
    EXPECT_EQ(sample(used(1000 * i, 0), i * 500 * MS, false).reason, WD_REASON_NONE);
  EXPECT_EQ(meter.strikes, 0u);
  EXPECT_TRUE(std::isnan(meter.utilization));
}

TEST_F(Meter, TheFirstRegularCheckIsAWholeIntervalAfterTheStart)
{
  sample(used(2900, 0), 3 * SECOND - 1);
  EXPECT_EQ(meter.strikes, 0u);
  EXPECT_FALSE(meter.baseline_final);
  sample(used(2900, 0), 3 * SECOND);
  EXPECT_EQ(meter.strikes, 1u);
  EXPECT_TRUE(meter.baseline_final);
}

TEST_F(Meter, ALimitOfAllCpusIsNeverExceeded)
{
  limits.utilization_limit = 100;
  for (int i = 1; i <= 1000; i++)
    EXPECT_EQ(sample(used(6000 * i, 0), i * 3 * SECOND).reason, WD_REASON_NONE);
}

TEST_F(Meter, TwoSamplesOfOneMomentAreNoInterval)
{
  sample(used(100, 0), 3 * SECOND);
  EXPECT_EQ(sample(used(9000, 0), 3 * SECOND).reason, WD_REASON_NONE);
  EXPECT_EQ(meter.strikes, 0u);
}

TEST_F(Meter, GrowthCountsFromTheFirstRegularCheck)
{
  EXPECT_EQ(sample(sized(500 * MIB), 3 * SECOND).reason, WD_REASON_NONE);
  EXPECT_EQ(meter.baseline_bytes, 500 * MIB);
  EXPECT_EQ(meter.footprint_bytes, 0);
  EXPECT_EQ(sample(sized(700 * MIB), 4 * SECOND, false).reason, WD_REASON_NONE) << "exactly";
  WdVerdict verdict = sample(sized(700 * MIB + 1), 5 * SECOND, false);
  EXPECT_EQ(verdict.reason, WD_REASON_MEMORY);
  EXPECT_EQ(verdict.measured, 200 * MIB + 1);
  EXPECT_EQ(verdict.limit, 200 * MIB);
  EXPECT_EQ(verdict.unit, WD_UNIT_BYTES);
  sample(sized(400 * MIB), 6 * SECOND);
  EXPECT_EQ(meter.footprint_bytes, 0) << "below the baseline";
  EXPECT_EQ(meter.peak_footprint_bytes, 200 * MIB + 1);
  EXPECT_EQ(meter.baseline_bytes, 500 * MIB) << "taken once";
}

TEST_F(Meter, BeforeItGrowthCountsFromASettledSample)
{
  sample(sized(1 * MIB), 249 * MS, false);
  EXPECT_EQ(meter.baseline_bytes, WD_NONE);
  EXPECT_EQ(meter.footprint_bytes, WD_NONE);
  sample(sized(30 * MIB), 250 * MS, false);
  EXPECT_EQ(meter.baseline_bytes, 30 * MIB);
  sample(sized(90 * MIB), 600 * MS, false);
  EXPECT_EQ(meter.footprint_bytes, 60 * MIB);
  EXPECT_EQ(sample(sized(231 * MIB), 900 * MS, false).reason, WD_REASON_MEMORY);
  sample(sized(80 * MIB), 3 * SECOND);
  EXPECT_EQ(meter.baseline_bytes, 80 * MIB);
}

TEST_F(Meter, EachProcessIsMeasuredAnew)
{
  sample(sized(500 * MIB), 3 * SECOND);
  wd_meter_reset(&meter, START + 10 * SECOND);
  EXPECT_EQ(meter.baseline_bytes, WD_NONE);
  EXPECT_EQ(meter.peak_footprint_bytes, WD_NONE);
}

TEST_F(Meter, OtherMetricsNeedNoBaseline)
{
  limits.memory_metric = WD_METRIC_RESIDENT;
  EXPECT_EQ(sample(sized(201 * MIB, 1), 1 * MS, false).reason, WD_REASON_MEMORY);
  limits.memory_metric = WD_METRIC_PRIVATE;
  EXPECT_EQ(sample(sized(500 * MIB, 200 * MIB), 2 * MS, false).reason, WD_REASON_NONE);
  EXPECT_EQ(sample(sized(1, 201 * MIB), 3 * MS, false).measured, 201 * MIB);
  EXPECT_EQ(sample(sized(500 * MIB), 4 * MS, false).reason, WD_REASON_NONE) << "not known";
  EXPECT_EQ(meter.footprint_bytes, WD_NONE);
}

TEST_F(Meter, CpuIsNamedBeforeMemoryAsOsqueryDoes)
{
  limits.latency_limit_s = 3;
  limits.memory_metric = WD_METRIC_RESIDENT;
  WdSample both = {5000, 0, 300 * MIB, WD_NONE, 1, 1};
  EXPECT_EQ(sample(both, 3 * SECOND).reason, WD_REASON_CPU);
}

/* For who only looks on. */
TEST_F(Meter, IsLeftAloneTheLongerTheFurtherFromItsLimit)
{
  limits.memory_metric = WD_METRIC_RESIDENT;
  EXPECT_EQ(wd_meter_calm_us(&meter, &limits), START) << "not known yet";
  const struct {
    gint64 resident_bytes;
    gint64 calm_us;
  } cases[] = {
      {200 * MIB - 200 * 1000 * 1000, SECOND},
      {100 * MIB, MIB / 2},
      {200 * MIB, 0},
      {300 * MIB, 0},
  };
  for (const auto &c : cases) {
    wd_meter_reset(&meter, START);
    sample(sized(c.resident_bytes), 0, false);
    EXPECT_EQ(wd_meter_calm_us(&meter, &limits) - START, c.calm_us) << c.resident_bytes;
  }
  wd_meter_reset(&meter, START);
  sample(sized(10 * MIB), 0, false);
  sample(sized(110 * MIB), SECOND, false);
  EXPECT_EQ(wd_meter_calm_us(&meter, &limits), START + SECOND) << "crosses it within 2 s";
}

TEST_F(Meter, LooksAgainWhenTheBaselineCanBeTaken)
{
  EXPECT_EQ(wd_meter_next_memory_sample_us(&meter, &limits), START + 250 * MS);
  sample(sized(1 * MIB), 100 * MS, false);
  EXPECT_EQ(wd_meter_next_memory_sample_us(&meter, &limits), START + 250 * MS);
  /* Nothing could be read when it was time: no busy loop. */
  wd_meter_sample(&meter, &limits, nullptr, START + 250 * MS, FALSE);
  EXPECT_EQ(wd_meter_next_memory_sample_us(&meter, &limits), START + 250 * MS + 3 * SECOND);
}

struct Wait {
  const char *why;
  gint64 limit;
  gint64 before;
  gint64 after; /* 100 ms later */
  gint64 wait_us;
};

TEST_F(Meter, WaitsByHeadroomAndGrowth)
{
  const Wait waits[] = {
      {"steady: 300 ms and a byte a ns", 200'000'000, 0, 0, 500 * MS},
      {"shrinking is steady", 200'000'000, 200'000'000, 100'000'000, 400 * MS},
      {"never beyond the regular interval", 10'000'000'000, 0, 0, 3 * SECOND},
      {"just below the limit", 100, 100, 100, 300 * MS},
      {"1 GB/s: half of the time to the limit", 300'000'000, 0, 100'000'000, 100 * MS},
      {"nearly there: never below 50 ms", 101'000'000, 0, 100'000'000, 50 * MS},
      {"slow growth: no longer than steady", 200'000'000, 0, 1000, 300 * MS + 199'999},
      {"over the limit: the regular interval", 100, 0, 101, 3 * SECOND},
      {"no overflow", G_MAXINT64, 0, 1, 3 * SECOND},
  };
  limits.memory_metric = WD_METRIC_RESIDENT;
  for (const Wait &wait : waits) {
    limits.memory_limit_bytes = wait.limit;
    wd_meter_reset(&meter, START);
    sample(sized(wait.before), 1 * SECOND, false);
    sample(sized(wait.after), 1 * SECOND + 100 * MS, false);
    EXPECT_EQ(wd_meter_next_memory_sample_us(&meter, &limits) - meter.sample_us, wait.wait_us)
        << wait.why;
  }
}

/* For one of which the kernel says when it takes memory. */
TEST_F(Meter, CannotCrossItsLimitFasterThanAByteANanosecond)
{
  const struct {
    const char *why;
    gint64 limit;
    gint64 resident;
    gint64 safe_us;
  } cases[] = {
      {"a byte a ns", 60'000'000, 0, 60 * MS},
      {"growth so far counts", 60'000'000, 20'000'000, 40 * MS},
      {"never below 20 ms", 60'000'000, 50'000'000, 20 * MS},
      {"at the limit", 60'000'000, 60'000'000, 20 * MS},
      {"over the limit: nothing is left to notice", 60'000'000, 60'000'001, 3 * SECOND},
      {"never beyond the regular interval", 10'000'000'000, 0, 3 * SECOND},
      {"no overflow", G_MAXINT64, 0, 3 * SECOND},
  };
  limits.memory_metric = WD_METRIC_RESIDENT;
  EXPECT_EQ(wd_meter_safe_until_us(&meter, &limits), START + 3 * SECOND) << "not known yet";
  for (const auto &c : cases) {
    limits.memory_limit_bytes = c.limit;
    wd_meter_reset(&meter, START);
    sample(sized(c.resident), 1 * SECOND, false);
    EXPECT_EQ(wd_meter_safe_until_us(&meter, &limits), START + 1 * SECOND + c.safe_us) << c.why;
  }
}

TEST_F(Meter, TwoSamplesOfOneMomentTellNoGrowth)
{
  limits.memory_metric = WD_METRIC_RESIDENT;
  sample(sized(0), 1 * SECOND, false);
  sample(sized(100'000'000), 1 * SECOND, false);
  EXPECT_EQ(wd_meter_next_memory_sample_us(&meter, &limits) - meter.sample_us,
            300 * MS + (200 * MIB - 100'000'000) / 1000);
}

/* The promise itself: whenever growth begins and whatever its speed up to 1 GB/s, the verdict comes
 * within 300 ms of the crossing; a baseline taken in the middle of the growth moves the crossing,
 * not the wait. */
TEST_F(Meter, SeesACrossingWithin300Ms)
{
  for (gint64 bytes_per_ms : {10'000, 100'000, 300'000, 1'000'000}) {
    for (gint64 begin_us = 3 * SECOND; begin_us < 6 * SECOND; begin_us += 7 * MS + 13) {
      wd_meter_reset(&meter, START);
      limits.memory_limit_bytes = 60'000'000;
      gint64 regular_us = 3 * SECOND;
      gint64 now_us = 250 * MS;
      WdVerdict verdict = {};
      guint looks = 0;
      while (verdict.reason != WD_REASON_MEMORY && now_us < 60 * SECOND) {
        bool regular = now_us >= regular_us;
        if (regular)
          regular_us += 3 * SECOND;
        gint64 grown = std::max<gint64>(now_us - begin_us, 0) / MS * bytes_per_ms;
        verdict = sample(sized(20'000'000 + grown), now_us, regular);
        looks++;
        gint64 next_us = wd_meter_next_memory_sample_us(&meter, &limits) - START;
        ASSERT_GE(next_us, now_us + 50 * MS);
        if (verdict.reason != WD_REASON_MEMORY)
          now_us = std::min(next_us, regular_us);
      }
      gint64 crossed_us = begin_us + limits.memory_limit_bytes / bytes_per_ms * MS;
      ASSERT_EQ(verdict.reason, WD_REASON_MEMORY);
      ASSERT_LE(now_us - crossed_us, 301 * MS) << begin_us << " at " << bytes_per_ms;
      ASSERT_LE(looks, 10 + (now_us / (300 * MS)) + 20);
    }
  }
}

TEST(Outgrows, TheGraceLimit)
{
  const struct {
    const char *what;
    gint64 limit;
    gint64 percent;
    gint64 exceeded;
    gint64 footprint;
    bool outgrows;
  } cases[] = {
      {"twice the limit exactly", 60 * MIB, 200, 61 * MIB, 120 * MIB, false},
      {"past it", 60 * MIB, 200, 61 * MIB, 120 * MIB + 1, true},
      {"past it when it was first seen", 60 * MIB, 200, 300 * MIB, 300 * MIB, false},
      {"which then shrinks", 60 * MIB, 200, 300 * MIB, 299 * MIB, false},
      {"which then grows", 60 * MIB, 200, 300 * MIB, 300 * MIB + 1, true},
      {"256 MiB more exactly", 1000 * MIB, 200, 1001 * MIB, 1256 * MIB, false},
      {"256 MiB more are less than half", 1000 * MIB, 200, 1001 * MIB, 1256 * MIB + 1, true},
      {"the same of both", 256 * MIB, 200, 257 * MIB, 512 * MIB + 1, true},
      {"half more", 60 * MIB, 150, 61 * MIB, 90 * MIB, false},
      {"past half more", 60 * MIB, 150, 61 * MIB, 90 * MIB + 1, true},
      {"no more at all", 60 * MIB, 100, 60 * MIB + 1, 60 * MIB + 2, true},
      {"tenfold", 20 * MIB, 1000, 21 * MIB, 200 * MIB + 1, true},
      {"never", 60 * MIB, 0, 61 * MIB, 4000 * MIB, false},
      {"not known", 60 * MIB, 200, 61 * MIB, WD_NONE, false},
      {"a limit past all sums", G_MAXINT64, 1000, 1, G_MAXINT64, false},
      {"a reload to the least", 0, 200, 1, 2, true},
  };
  for (const auto &c : cases) {
    WdLimits limits = {};
    limits.memory_limit_bytes = c.limit;
    limits.grace_limit_percent = c.percent;
    EXPECT_EQ(wd_meter_outgrows(&limits, c.exceeded, c.footprint), c.outgrows) << c.what;
  }
}

} // namespace
