#include "watchdog/core/output/last-lines.h"

#include <deque>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace
{

void
take(WdLastLines *lines, const std::string &line)
{
  wd_last_lines_take(lines, line.data(), line.size());
}

std::string
text_of(const std::vector<std::string> &all)
{
  g_autoptr(WdLastLines) lines = wd_last_lines_new();
  for (const auto &line : all)
    take(lines, line);
  g_autofree char *text = wd_last_lines_text(lines);
  return text != nullptr ? text : "(NULL)";
}

TEST(LastLines, AreNullWithoutAny)
{
  EXPECT_EQ(text_of({}), "(NULL)");
}

TEST(LastLines, AreVisible)
{
  const struct {
    std::string line, shown;
  } rows[] = {
      {"", "\n"},
      {"Traceback:", "Traceback:\n"},
      {"  a\tb  ", "  a\tb  \n"},
      {"é日😀", "é日😀\n"},
      {"one\r", "one\n"},
      {"\r", "\n"},
      {"50%\r100%\r", "50%\\x0d100%\n"},
      {"\x1b[31mred\x7f", "\\x1b[31mred\\x7f\n"},
      {std::string("a\0b", 3), "a\\x00b\n"},
      {std::string("\0", 1), "\\x00\n"},
      {"\xff\xc3", "\\xff\\xc3\n"},
      {"\xc3(", "\\xc3(\n"},
      {"\xc2\x9b", "\\xc2\\x9b\n"}, /* a C1 control character: some terminals obey it */
      {"\xed\xa0\x80", "\\xed\\xa0\\x80\n"},
  };
  for (const auto &row : rows)
    EXPECT_EQ(text_of({row.line}), row.shown);
}

TEST(LastLines, AreTheNewest)
{
  std::vector<std::string> all;
  std::string newest;
  for (int i = 1; i <= 1000; i++) {
    all.push_back("line " + std::to_string(i));
    if (i > 1000 - WD_LAST_LINES_MAX)
      newest += all.back() + "\n";
  }
  EXPECT_EQ(text_of(all), newest);
}

TEST(LastLines, AreWhole)
{
  const std::string half(WD_LAST_LINES_BYTES / 2 - 1, 'h');
  EXPECT_EQ(text_of({"gone", half, half}), half + "\n" + half + "\n");
  EXPECT_EQ(text_of({half, half, ""}), half + "\n\n");
}

TEST(LastLines, EscapesCount)
{
  const std::string control(1000, '\x01');
  EXPECT_EQ(text_of({control, std::string(94, 'x')}).size(), 4001u + 95);
  EXPECT_EQ(text_of({control, std::string(95, 'x')}), std::string(95, 'x') + "\n");
}

TEST(LastLines, ALineThatIsTooLongIsCutBetweenCharacters)
{
  const std::string most(WD_LAST_LINES_BYTES - 1, 'x');
  EXPECT_EQ(text_of({most}), most + "\n");
  const std::string cut = std::string(WD_LAST_LINES_BYTES - 1 - 3, 'x') + "…\n";
  EXPECT_EQ(text_of({"gone", most + "x"}), cut);
  EXPECT_EQ(text_of({std::string(65536, 'x')}), cut);
  for (int before = 0; before < 4; before++) {
    std::string faces(static_cast<gsize>(before), 'x');
    for (int i = 0; i < 1100; i++)
      faces += "😀";
    const std::string shown = text_of({faces});
    EXPECT_LE(shown.size(), static_cast<gsize>(WD_LAST_LINES_BYTES));
    EXPECT_GT(shown.size(), static_cast<gsize>(WD_LAST_LINES_BYTES - 4));
    EXPECT_TRUE(g_str_has_suffix(shown.c_str(), "😀…\n")) << before;
  }
  const std::string controls = text_of({std::string(WD_LAST_LINES_BYTES - 1, '\x01')});
  EXPECT_TRUE(g_str_has_suffix(controls.c_str(), "\\x01…\n"));
  EXPECT_LE(controls.size(), static_cast<gsize>(WD_LAST_LINES_BYTES));
}

/* Against a model that keeps everything, so that no line overwrites one that is kept. */
TEST(LastLines, AreTheNewestOfAnyLengths)
{
  std::mt19937 random(1);
  g_autoptr(WdLastLines) lines = wd_last_lines_new();
  std::deque<std::string> all;
  for (int i = 0; i < 4000; i++) {
    const gsize most = random() % 4 == 0 ? WD_LAST_LINES_BYTES : random() % 2 == 0 ? 400 : 40;
    all.push_back(std::string(random() % most, static_cast<char>('a' + i % 26)));
    take(lines, all.back());
    if (all.size() > WD_LAST_LINES_MAX)
      all.pop_front();
    std::string expected;
    for (auto line = all.rbegin(); line != all.rend(); ++line) {
      if (expected.size() + line->size() + 1 > WD_LAST_LINES_BYTES)
        break;
      expected.insert(0, *line + "\n");
    }
    g_autofree char *text = wd_last_lines_text(lines);
    ASSERT_EQ(text, expected) << "after line " << i;
  }
}

} // namespace
