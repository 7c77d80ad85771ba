#include "tables/ctl/report/chart.h"

#include <cmath>
#include <gtest/gtest.h>
#include <memory>
#include <regex>
#include <string>

namespace
{

// A span in which each bucket is ten seconds.
const gint64 FROM = 1700000000;
const gint64 BUCKET_S = 10;
const gint64 TO = FROM + BUCKET_S * CTL_CHART_BUCKETS;

class Chart : public testing::Test
{
protected:
  void SetUp() override
  {
    ctl_series_init(series.get(), FROM, TO);
  }

  void add(gint64 second, double value, double limit = NAN, gint64 pid = 1)
  {
    ctl_series_add(series.get(), FROM + second, pid, value, limit);
  }

  std::string path(double top)
  {
    g_autofree char *data = ctl_series_path(series.get(), top);
    return data;
  }

  std::string limit_path(double top)
  {
    g_autofree char *data = ctl_series_limit_path(series.get(), top);
    return data;
  }

  std::unique_ptr<CtlSeries> series = std::make_unique<CtlSeries>();
};

TEST_F(Chart, NothingIsNoPath)
{
  add(5, NAN);
  EXPECT_EQ(path(1), "");
  EXPECT_EQ(limit_path(1), "");
  EXPECT_TRUE(std::isnan(ctl_series_greatest(series.get(), 0, CTL_CHART_BUCKETS)));
  EXPECT_TRUE(std::isnan(ctl_series_limit(series.get())));
}

TEST_F(Chart, OneSampleIsADot)
{
  add(0, 25);
  EXPECT_EQ(path(100), "M1 750V750");
}

TEST_F(Chart, ALineThroughItsBuckets)
{
  add(0, 0);
  add(10, 50);
  add(20, 100);
  EXPECT_EQ(path(100), "M1 1000V1000L3 500L5 0");
}

TEST_F(Chart, PeaksStayInTheirOrder)
{
  for (double value : {10., 90., 20., 30.})
    add(1, value); // rises to its peak
  for (double value : {80., 95., 5., 30.})
    add(11, value); // falls from it
  EXPECT_EQ(path(100), "M1 900V100L3 50V950");
  EXPECT_EQ(ctl_series_greatest(series.get(), 0, CTL_CHART_BUCKETS), 95);
}

TEST_F(Chart, AnotherProcessBeginsAnotherLine)
{
  add(0, 50, NAN, 1);
  add(10, 50, NAN, 1);
  add(20, 50, NAN, 2);
  EXPECT_EQ(path(100), "M1 500V500L3 500M5 500V500");
}

TEST_F(Chart, AGapInTimeInterruptsTheLine)
{
  add(0, 50);
  add(60, 50); // a minute, as of what is long ago
  add(300, 50);
  EXPECT_EQ(path(100), "M1 500V500L13 500M61 500V500");
}

TEST_F(Chart, WhatLiesOutsideIsNotTaken)
{
  for (gint64 time : {FROM - 1, TO + 1, G_MININT64, G_MAXINT64})
    ctl_series_add(series.get(), time, 1, 50, 100);
  EXPECT_EQ(path(100), "");
  add(0, 50);
  ctl_series_add(series.get(), TO, 1, 50, NAN);
  EXPECT_EQ(path(100), "M1 500V500M719 500V500");
}

TEST_F(Chart, ValuesAreKeptWithinThePicture)
{
  add(0, -1e300);
  add(10, 1e300);
  add(20, INFINITY); // no value
  EXPECT_EQ(path(100), "M1 1000V1000L3 0");
}

TEST_F(Chart, TheLimitGoesFromEdgeToEdgeInSteps)
{
  add(50, NAN, 100);
  add(60, NAN, 100);
  EXPECT_EQ(limit_path(200), "M0 500H720");
  add(100, NAN, 50);
  EXPECT_EQ(limit_path(200), "M0 500H20 V750H720");
  EXPECT_EQ(ctl_series_limit(series.get()), 50);
}

// However much there is, and whatever it is.
TEST_F(Chart, ThePathIsBounded)
{
  guint64 state = 1;
  for (int i = 0; i < 200000; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    add((gint64)(state >> 33) % (TO - FROM + 1), (double)(state >> 40), (double)(state >> 50),
        (gint64)(state % 3));
  }
  const std::string data = path(1e6);
  EXPECT_LT(data.size(), CTL_CHART_BUCKETS * 20u);
  EXPECT_LT(limit_path(1e6).size(), CTL_CHART_BUCKETS * 20u);
  EXPECT_TRUE(std::regex_match(data, std::regex("([ML]\\d+ \\d+(V\\d+)?)+")));
}

TEST_F(Chart, Percent)
{
  EXPECT_EQ(ctl_series_percent(series.get(), FROM), 0);
  EXPECT_EQ(ctl_series_percent(series.get(), TO), 100);
  EXPECT_EQ(ctl_series_percent(series.get(), FROM + (TO - FROM) / 4), 25);
}

TEST(Scale, TwoToFiveRoundSteps)
{
  const struct {
    double greatest;
    double step;
  } cases[] = {{0, 1},     {1, 0.5},   {1.9, 0.5}, {2, 1},       {5, 1},
               {6, 2},     {10, 5},    {10.8, 5},  {55, 20},     {99, 20},
               {216, 100}, {450, 100}, {800, 200}, {0.03, 0.01}, {NAN, 1}};
  for (const auto &c : cases)
    EXPECT_DOUBLE_EQ(ctl_scale_step(c.greatest), c.step) << c.greatest;
  for (double greatest = 1e-3; greatest < 1e18; greatest *= 1.37) {
    EXPECT_GE(greatest / ctl_scale_step(greatest), 2 * (1 - 1e-9)) << greatest;
    EXPECT_LE(greatest / ctl_scale_step(greatest), 5 * (1 + 1e-9)) << greatest;
  }
}

TEST(Scale, Time)
{
  const struct {
    gint64 span;
    gint64 step;
  } cases[] = {{60, 15}, {600, 300}, {3600, 900}, {86400, 21600}};
  for (const auto &c : cases)
    EXPECT_EQ(ctl_scale_time(c.span), c.step) << c.span;
  for (gint64 span = 60; span <= 86400; span += 61)
    EXPECT_LE(span / ctl_scale_time(span), 4) << span;
}

} // namespace
