#include "watchdog/core/settings/flag-value.h"

#include <gtest/gtest.h>

namespace
{

struct Case {
  WdFlagType type;
  const char *text;
  bool valid;
  gint64 number;
};

const Case CASES[] = {
    {WD_FLAG_BOOL, "1", true, 1},
    {WD_FLAG_BOOL, "t", true, 1},
    {WD_FLAG_BOOL, "true", true, 1},
    {WD_FLAG_BOOL, "y", true, 1},
    {WD_FLAG_BOOL, "yes", true, 1},
    {WD_FLAG_BOOL, "TRUE", true, 1},
    {WD_FLAG_BOOL, "0", true, 0},
    {WD_FLAG_BOOL, "f", true, 0},
    {WD_FLAG_BOOL, "False", true, 0},
    {WD_FLAG_BOOL, "n", true, 0},
    {WD_FLAG_BOOL, "no", true, 0},
    {WD_FLAG_BOOL, "", false, 0},
    {WD_FLAG_BOOL, "on", false, 0},
    {WD_FLAG_BOOL, "2", false, 0},
    {WD_FLAG_BOOL, "true ", false, 0},
    {WD_FLAG_BOOL, " true", false, 0},

    {WD_FLAG_INT32, "0", true, 0},
    {WD_FLAG_INT32, "-1", true, -1},
    {WD_FLAG_INT32, "+1", true, 1},
    {WD_FLAG_INT32, " 1", true, 1},
    {WD_FLAG_INT32, "010", true, 10},
    {WD_FLAG_INT32, "0x10", true, 16},
    {WD_FLAG_INT32, "0XfF", true, 255},
    {WD_FLAG_INT32, "2147483647", true, G_MAXINT32},
    {WD_FLAG_INT32, "-2147483648", true, G_MININT32},
    {WD_FLAG_INT32, "2147483648", false, 0},
    {WD_FLAG_INT32, "-2147483649", false, 0},
    {WD_FLAG_INT32, "99999999999999999999", false, 0},
    {WD_FLAG_INT32, "", false, 0},
    {WD_FLAG_INT32, " ", false, 0},
    {WD_FLAG_INT32, "1 ", false, 0},
    {WD_FLAG_INT32, "1.5", false, 0},
    {WD_FLAG_INT32, "0x", false, 0},
    {WD_FLAG_INT32, "-0x1", false, 0},
    {WD_FLAG_INT32, "high", false, 0},

    {WD_FLAG_UINT64, "0", true, 0},
    {WD_FLAG_UINT64, "300", true, 300},
    {WD_FLAG_UINT64, "0x12c", true, 300},
    {WD_FLAG_UINT64, "0012", true, 12},
    {WD_FLAG_UINT64, "9223372036854775807", true, G_MAXINT64},
    {WD_FLAG_UINT64, "9223372036854775808", true, G_MAXINT64},
    {WD_FLAG_UINT64, "18446744073709551615", true, G_MAXINT64},
    {WD_FLAG_UINT64, "18446744073709551616", false, 0},
    {WD_FLAG_UINT64, "-1", false, 0},
    {WD_FLAG_UINT64, " -1", false, 0},
    {WD_FLAG_UINT64, "\t-1", false, 0},
    {WD_FLAG_UINT64, "300MB", false, 0},
    {WD_FLAG_UINT64, "  ", true, 0},
    {WD_FLAG_UINT64, " 0x1", false, 0},
    {WD_FLAG_UINT64, "300 ", false, 0},
    {WD_FLAG_UINT64, "", false, 0},

    {WD_FLAG_STRING, "", true, 0},
    {WD_FLAG_STRING, "7", true, 0},
};

TEST(FlagValue, IsReadAsGflagsReadsIt)
{
  for (const Case &c : CASES) {
    gint64 number = 4711;
    EXPECT_EQ(wd_flag_value_parse(c.type, c.text, &number), c.valid) << '"' << c.text << '"';
    EXPECT_EQ(number, c.valid ? c.number : 4711) << '"' << c.text << '"';
  }
}

} // namespace
