#include "watchdog/core/machine/silence.h"

#include <gtest/gtest.h>

#include <vector>

namespace
{

constexpr gint64 INTERVAL_US = 3 * G_USEC_PER_SEC;

/* A ping's outcome, and what follows: "" (nothing), "begins" or "ends", with how long it is known
 * to have lasted. */
struct Ping {
  double at_s;
  bool answered;
  const char *change;
  double lasted_s;
};

const char *
words(WdSilenceChange change)
{
  switch (change) {
  case WD_SILENCE_SAME:
    return "";
  case WD_SILENCE_BEGINS:
    return "begins";
  case WD_SILENCE_ENDS:
    return "ends";
  }
  return "?";
}

void
expect_pings(const char *what, const std::vector<Ping> &pings)
{
  WdSilence silence = {};
  bool unresponsive = false;
  bool answered = false;
  for (const Ping &ping : pings) {
    SCOPED_TRACE(testing::Message() << what << ", at " << ping.at_s);
    const gint64 now_us = 1000 * G_USEC_PER_SEC + (gint64)(ping.at_s * G_USEC_PER_SEC);
    const char *change = words(wd_silence_take(&silence, ping.answered, now_us, INTERVAL_US));
    EXPECT_STREQ(change, ping.change);
    if (*change != '\0')
      unresponsive = *change == 'b';
    answered = answered || ping.answered;
    EXPECT_EQ(silence.unresponsive, unresponsive);
    EXPECT_EQ(silence.answered, answered);
    if (unresponsive || *change == 'e')
      EXPECT_EQ(silence.lasted_us, (gint64)(ping.lasted_s * G_USEC_PER_SEC));
  }
}

TEST(Silence, CountsFromTheSecondMissedPingInARow)
{
  const bool hit = true, miss = false;
  expect_pings("answers", {{0, hit, ""}, {3, hit, ""}, {60, hit, ""}});
  expect_pings("misses one now and then",
               {{0, hit, ""}, {3, miss, ""}, {6, hit, ""}, {9, miss, ""}, {12, hit, ""}});
  expect_pings("stops answering, and begins again", {{0, hit, ""},
                                                     {3, miss, ""},
                                                     {6, miss, "begins", 0},
                                                     {9, miss, "", 3},
                                                     {12.5, miss, "", 6.5},
                                                     {14, hit, "ends", 8},
                                                     {17, miss, ""},
                                                     {20, miss, "begins", 0}});
  expect_pings("never answered", {{0, miss, ""}, {3, miss, "begins", 0}, {6, miss, "", 3}});
  expect_pings("outcomes come a little late or early",
               {{0, hit, ""}, {3.4, miss, ""}, {6, miss, "begins", 0}});
  expect_pings("outcomes come more often than every interval", {{0, hit, ""},
                                                                {1, miss, ""},
                                                                {1.1, miss, ""},
                                                                {3.2, miss, ""},
                                                                {3.25, miss, "begins", 0},
                                                                {3.3, miss, "", 0.05}});
}

TEST(Silence, KnowsNothingOfATimeWithoutOutcomes)
{
  const bool hit = true, miss = false;
  expect_pings("the last moment", {{0, miss, ""}, {11, miss, "begins", 0}, {22, miss, "", 11}});
  expect_pings("pings around a gap are no row",
               {{0, hit, ""}, {3, miss, ""}, {15, miss, ""}, {18, miss, "begins", 0}});
  expect_pings("a gap neither ends nor lengthens it", {{0, miss, ""},
                                                       {3, miss, "begins", 0},
                                                       {6, miss, "", 3},
                                                       {3600, miss, "", 3},
                                                       {3603, miss, "", 6},
                                                       {7200, hit, "ends", 6}});
  expect_pings("nothing is known before the first", {{0, miss, ""}, {2, miss, ""}});
}

TEST(Silence, IsBlindAfterThreeIntervalsAndALittle)
{
  EXPECT_EQ(wd_silence_blind_us(INTERVAL_US), 11 * G_USEC_PER_SEC);
  EXPECT_EQ(wd_silence_blind_us(1 * G_USEC_PER_SEC), 5 * G_USEC_PER_SEC);
}

} // namespace
