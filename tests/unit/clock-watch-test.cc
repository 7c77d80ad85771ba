#include "watchdog/core/event/clock-watch.h"

#include <gtest/gtest.h>
#include <vector>

namespace
{

constexpr gint64 MINUTE_US = 60 * G_TIME_SPAN_SECOND;
constexpr gint64 WALL_US = 1700000000 * G_TIME_SPAN_SECOND;

struct Look {
  gint64 minute;   // monotonic
  gint64 shift_us; // of the wall clock, against where it would be undisturbed
  gboolean settled;
};

TEST(ClockWatch, IsBelievedAfterAnHourWithoutAStep)
{
  const gint64 day = 24 * 60 * MINUTE_US;
  const struct {
    const char *what;
    std::vector<Look> looks;
  } cases[] = {
      {"undisturbed", {{1, 0, FALSE}, {30, 0, FALSE}, {60, 0, FALSE}, {61, 0, TRUE}}},
      {"set forward",
       {{1, 0, FALSE},
        {61, 0, TRUE},
        {62, 9000 * day, FALSE},
        {121, 9000 * day, FALSE},
        {122, 9000 * day, TRUE}}},
      {"wrong at boot, then corrected",
       {{1, 9000 * day, FALSE},
        {50, 9000 * day, FALSE},
        {51, 0, FALSE},
        {110, 0, FALSE},
        {111, 0, TRUE}}},
      {"set back", {{1, 0, FALSE}, {61, 0, TRUE}, {62, -day, FALSE}, {122, -day, TRUE}}},
      {"slewed",
       {{1, 0, FALSE}, {31, 9 * G_TIME_SPAN_SECOND, FALSE}, {61, 18 * G_TIME_SPAN_SECOND, TRUE}}},
      {"1970", {{1, -WALL_US, FALSE}, {61, -WALL_US, TRUE}}},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    WdClockWatch watch = {};
    for (const Look &look : c.looks) {
      const gint64 monotonic_us = look.minute * MINUTE_US;
      EXPECT_EQ(
          wd_clock_watch_settled(&watch, WALL_US + monotonic_us + look.shift_us, monotonic_us),
          look.settled)
          << look.minute;
    }
  }
}

} // namespace
