#include "thrift/text.h"

#include <gtest/gtest.h>
#include <string>

namespace
{
TEST(Text, IsPrintable)
{
  const struct {
    const char *text;
    gsize max;
    const char *line;
  } cases[] = {
      {nullptr, 10, ""},
      {"", 10, ""},
      {"fine", 10, "fine"},
      {"two\nlines\x1b[31m\x7f", 100, "two lines [31m "},
      {"\xff", 10, "\xef\xbf\xbd"},
      {"cut here", 3, "cut"},
      {"caf\xc3\xa9", 5, "caf\xc3\xa9"},
      {"\xff\xff", 4, "\xef\xbf\xbd"}, // the second one would be over
      {"\xff", 2, ""},
  };
  for (const auto &c : cases) {
    g_autofree char *line = wire_text_printable(c.text, c.max);
    EXPECT_STREQ(line, c.line);
  }
}

TEST(Text, CutsBetweenCharacters)
{
  for (gsize max = 0; max < 12; max++) {
    g_autofree char *line = wire_text_printable("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", max);
    EXPECT_LE(strlen(line), max);
    EXPECT_TRUE(g_utf8_validate(line, -1, nullptr)) << max;
  }
}
} // namespace
