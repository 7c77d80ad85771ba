#include "watchdog/core/event/safe-text.h"

#include <gtest/gtest.h>

#include <cstring>

namespace
{
TEST(SafeText, ControlsAreMarked)
{
  char text[] = "a\nb\x1b\x7f\té";
  wd_text_mark_controls(text, '?');
  EXPECT_STREQ(text, "a?b???é");
}

TEST(SafeText, TextsAreCutBetweenCharactersAndMadeFit)
{
  char text[8];
  const struct {
    const char *from;
    bool lines;
    const char *to;
  } cases[] = {
      {nullptr, false, ""},           {"", false, ""},
      {"short", false, "short"},      {"1234567", false, "1234567"},
      {"12345678", false, "1234567"}, {"123456é", false, "123456"},
      {"12345é", false, "12345é"},    {"a\nb\x01", false, "a b "},
      {"a\nb\x01", true, "a\nb "},    {"a\xff", false, "a\xef\xbf\xbd"},
  };
  for (const auto &c : cases) {
    wd_text_copy_safe(text, sizeof text, c.from, c.lines);
    EXPECT_STREQ(text, c.to);
    EXPECT_TRUE(wd_text_is_safe(text, strlen(text), c.lines)) << text;
  }
}

TEST(SafeText, IsWhatACopyWouldLeaveAlone)
{
  EXPECT_FALSE(wd_text_is_safe("a\nb", 3, FALSE));
  EXPECT_TRUE(wd_text_is_safe("a\nb", 3, TRUE));
  EXPECT_FALSE(wd_text_is_safe("a\x01", 2, TRUE));
  EXPECT_FALSE(wd_text_is_safe("a\xff", 2, TRUE));
  EXPECT_FALSE(wd_text_is_safe("a\0b", 3, TRUE));
}
} // namespace
