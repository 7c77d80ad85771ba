#include "tables/ctl/advice/growth.h"

#include "watchdog/core/event/none.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace
{

constexpr double MB = 1024 * 1024;
constexpr gint64 LIMIT = static_cast<gint64>(200 * MB);
constexpr int HOUR = 3600;

// Megabytes of a process of some age, in seconds.
using Course = std::function<double(int)>;

// The samples of a life, as the store keeps them: a check every 3 s in its last hour, one a minute
// of the time before, up to a day.
GArray *
samples(const Course &course, int life_s, gint64 start_s = 1700000000)
{
  GArray *points = g_array_new(FALSE, FALSE, sizeof(CtlGrowthPoint));
  for (int age = 3; age < life_s; age += 3) {
    const int before_end = life_s - age;
    if (before_end > 24 * HOUR || (before_end > HOUR && age % 60 != 0))
      continue;
    const CtlGrowthPoint point = {start_s + age, static_cast<gint64>(course(age) * MB)};
    g_array_append_val(points, point);
  }
  return points;
}

CtlGrowth
growth(const Course &course, int life_s, double measured_mb = 205)
{
  g_autoptr(GArray) points = samples(course, life_s);
  return ctl_growth_find(points, life_s * 1000, static_cast<gint64>(measured_mb * MB), LIMIT);
}

double
noise(double width)
{
  static std::mt19937 generator(13);
  return std::uniform_real_distribution<>(-width / 2, width / 2)(generator);
}

// A query of @length s every @period s.
bool
during(int age, int period, int length)
{
  return age % period < length;
}

TEST(CtlGrowth, Leaks)
{
  const struct {
    const char *name;
    Course course;
    int life_s;
    double mb_per_hour;
    double reach_h;
  } cases[] = {
      {"smooth", [](int age) { return 20 + age * 180.0 / (8 * HOUR); }, 8 * HOUR, 22.5, 8},
      {"noisy", [](int age) { return 20 + age * 180.0 / (8 * HOUR) + noise(30); }, 8 * HOUR, 22.5,
       8},
      {"under the peaks of queries",
       [](int age) { return 20 + age * 120.0 / (8 * HOUR) + (during(age, 300, 40) ? 60 : 0); },
       8 * HOUR, 15, 8},
      {"a staircase: a bit with each query",
       [](int age) { return 20 + 10 * std::floor(age / 1600.0); }, 8 * HOUR, 22.5, 8},
      {"a staircase of few steps, with peaks",
       [](int age) {
         return 20 + 45 * std::floor(age / 7200.0) + (during(age, 7200, 60) ? 80 : 0);
       },
       8 * HOUR, 22, 8},
      {"within twenty minutes", [](int age) { return age * 200.0 / 1200 + noise(5); }, 1200, 600,
       1 / 3.0},
      {"for longer than samples are kept", [](int age) { return age * 200.0 / (72 * HOUR); },
       72 * HOUR, 2.78, 72},
      {"after a start that takes memory at once",
       [](int age) { return 60 + age * 140.0 / (10 * HOUR) - 60 * std::exp(-age / 60.0); },
       10 * HOUR, 14, 10},
      {"that goes up and down, but more up",
       [](int age) { return 30 + age * 170.0 / (12 * HOUR) + 12 * std::sin(age / 900.0); },
       12 * HOUR, 14, 12},
  };
  for (const auto &c : cases) {
    const CtlGrowth found = growth(c.course, c.life_s);
    EXPECT_EQ(found.kind, CTL_GROWTH_LEAK) << c.name;
    EXPECT_NEAR(found.bytes_per_hour / MB, c.mb_per_hour, c.mb_per_hour * 0.15) << c.name;
    EXPECT_NEAR(static_cast<double>(found.reach_s) / HOUR, c.reach_h, c.reach_h * 0.2) << c.name;
  }
}

TEST(CtlGrowth, Jumps)
{
  const struct {
    const char *name;
    Course course;
    int life_s;
  } cases[] = {
      {"from a flat floor", [](int) { return 40; }, 8 * HOUR},
      {"from a noisy floor", [](int) { return 40 + noise(20); }, 8 * HOUR},
      {"sawtooth: query peaks on a flat floor",
       [](int age) { return 40 + (during(age, 600, 120) ? (age % 600) * 1.2 : 0.0); }, 8 * HOUR},
      {"a query that grows for the last ten minutes",
       [](int age) { return 40 + (age > 8 * HOUR - 600 ? (age - 8 * HOUR + 600) * 0.25 : 0); },
       8 * HOUR},
      {"caches that have filled up long before",
       [](int age) { return 90 - 80 * std::exp(-age / 600.0) + noise(4); }, 8 * HOUR},
      {"a short life", [](int age) { return 20 + (age > 85 ? 100 : 0); }, 90},
      {"a floor that sinks", [](int age) { return 80 - age * 40.0 / (8 * HOUR); }, 8 * HOUR},
  };
  for (const auto &c : cases) {
    const CtlGrowth found = growth(c.course, c.life_s);
    EXPECT_EQ(found.kind, CTL_GROWTH_JUMP) << c.name;
    EXPECT_EQ(found.bytes_per_hour, 0) << c.name;
    EXPECT_EQ(found.reach_s, 0) << c.name;
  }
}

TEST(CtlGrowth, Unknown)
{
  const struct {
    const char *name;
    Course course;
    int life_s;
    double measured_mb;
  } cases[] = {
      {"no samples", [](int) { return 40; }, 3, 205},
      {"a life too short for a leak", [](int age) { return age * 3; }, 66, 205},
      {"a life too short for a peak", [](int) { return 40; }, 66, 205},
      {"steady, but within one long query", [](int age) { return age * 0.4; }, 500, 205},
      {"one step that stayed, half way", [](int age) { return age < 4 * HOUR ? 20 : 150; },
       8 * HOUR, 205},
      {"one step that stayed, later", [](int age) { return age < 5.5 * HOUR ? 20 : 150; }, 8 * HOUR,
       205},
      {"two steps that stayed", [](int age) { return 20 + 60 * std::floor(age / 9600.0); },
       8 * HOUR, 205},
      {"some of both", [](int age) { return 20 + age * 65.0 / (8 * HOUR); }, 8 * HOUR, 205},
      {"a cache that fills up near the limit",
       [](int age) { return 190 - 190 * std::exp(-age / 4000.0); }, 8 * HOUR, 205},
      {"high all the time, and measured no higher", [](int) { return 300; }, 8 * HOUR, 205},
  };
  for (const auto &c : cases)
    EXPECT_EQ(growth(c.course, c.life_s, c.measured_mb).kind, CTL_GROWTH_UNKNOWN) << c.name;
}

/* However the noise falls, a flat floor is no leak, and a leak no jump. */
TEST(CtlGrowth, ManyNoises)
{
  for (int i = 0; i < 500; i++) {
    EXPECT_NE(growth([](int) { return 60 + noise(100); }, 2 * HOUR).kind, CTL_GROWTH_LEAK) << i;
    EXPECT_NE(growth([](int age) { return age * 0.025 + noise(100); }, 2 * HOUR).kind,
              CTL_GROWTH_JUMP)
        << i;
  }
}

/* The labels of the samples are those of a clock that may be set at any time. */
TEST(CtlGrowth, StepsOfTheClock)
{
  const Course leak = [](int age) { return age * 200.0 / (4 * HOUR); };
  for (gint64 step : {-400 * 86400, -HOUR, -1, 200, 86400}) {
    g_autoptr(GArray) points = samples(leak, 4 * HOUR);
    for (guint i = points->len / 3; i < points->len; i++)
      g_array_index(points, CtlGrowthPoint, i).time_s += step;
    for (gint64 lifetime_ms : {gint64{4 * HOUR * 1000}, gint64{WD_NONE}}) {
      const CtlGrowth found = ctl_growth_find(points, lifetime_ms, LIMIT + 1, LIMIT);
      EXPECT_EQ(found.kind, CTL_GROWTH_LEAK) << step;
      EXPECT_NEAR(found.bytes_per_hour / MB, 50, 5) << step;
    }
  }
}

/* A pid may have been another process's before. */
TEST(CtlGrowth, OnlyTheLifeItself)
{
  g_autoptr(GArray) points = samples([](int age) { return age * 200.0 / (8 * HOUR); }, 8 * HOUR);
  g_autoptr(GArray) own = samples([](int) { return 40; }, HOUR, 1700000000 + 8 * HOUR);
  g_array_append_vals(points, own->data, own->len);
  EXPECT_EQ(ctl_growth_find(points, HOUR * 1000, LIMIT + 1, LIMIT).kind, CTL_GROWTH_JUMP);

  g_autoptr(GArray) flat = samples([](int) { return 40; }, 8 * HOUR);
  g_autoptr(GArray) leak = samples([](int age) { return age * 200.0 / HOUR; }, HOUR);
  g_array_append_vals(flat, leak->data, leak->len);
  EXPECT_EQ(ctl_growth_find(flat, HOUR * 1000, LIMIT + 1, LIMIT).kind, CTL_GROWTH_LEAK);
}

/* Nothing of it is beyond what the types can hold. */
TEST(CtlGrowth, GreatValues)
{
  const Course tiny = [](int age) { return age / MB; };
  g_autoptr(GArray) points = samples(tiny, 8 * HOUR);
  const CtlGrowth found = ctl_growth_find(points, WD_NONE, 8 * HOUR, G_MAXINT64);
  EXPECT_EQ(found.kind, CTL_GROWTH_LEAK);
  EXPECT_EQ(found.reach_s, G_GINT64_CONSTANT(10) * 365 * 86400);
  ctl_growth_find(points, G_MAXINT64, G_MAXINT64, 0);
  ctl_growth_find(points, -1, 0, 0);
}

TEST(CtlGrowth, Words)
{
  const struct {
    CtlGrowth growth;
    const char *words;
  } cases[] = {
      {{CTL_GROWTH_UNKNOWN, 0, 0}, "(none)"},
      {{CTL_GROWTH_JUMP, 0, 0}, "A peak: it grew at the end of its life, not steadily."},
      {{CTL_GROWTH_LEAK, 12.5 * MB, 57600},
       "A leak: it grew steadily, by 12.5 MiB an hour. At that rate it is over the limit again 16h "
       "0m after a start."},
  };
  for (const auto &c : cases) {
    g_autofree char *words = ctl_growth_words(&c.growth);
    EXPECT_STREQ(words == nullptr ? "(none)" : words, c.words);
  }
}

} // namespace
