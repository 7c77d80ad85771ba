#include "tables/ctl/print/rows.h"
#include "tables/ctl/print/terminal.h"

#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <string>

namespace
{

std::string
printed(const std::function<void(FILE *)> &print)
{
  char *text = nullptr;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  print(out);
  fclose(out);
  std::string result(text, length);
  free(text);
  return result;
}

TEST(CtlTerminal, WidthAndColour)
{
  const struct {
    CtlSurroundings surroundings;
    guint width;
    gboolean colour;
  } cases[] = {
      // terminal, its columns, COLUMNS, NO_COLOR, TERM
      {{TRUE, 120, nullptr, nullptr, "xterm", TRUE}, 120, TRUE},
      {{TRUE, 120, "60", nullptr, "xterm", TRUE}, 120, TRUE},
      {{TRUE, 0, "60", nullptr, "xterm", TRUE}, 60, TRUE},
      {{TRUE, 0, nullptr, nullptr, "xterm", TRUE}, 80, TRUE},
      {{TRUE, 0, "wide", nullptr, "xterm", TRUE}, 80, TRUE},
      {{TRUE, 0, "0", nullptr, "xterm", TRUE}, 80, TRUE},
      {{TRUE, 0, "99999999999", nullptr, "xterm", TRUE}, 80, TRUE},
      {{TRUE, 80, nullptr, "1", "xterm", TRUE}, 80, FALSE},
      {{TRUE, 80, nullptr, "", "xterm", TRUE}, 80, TRUE}, // no-color.org: not when empty
      {{TRUE, 80, nullptr, nullptr, "dumb", TRUE}, 80, FALSE},
      {{TRUE, 80, nullptr, nullptr, "", TRUE}, 80, FALSE},
      {{TRUE, 80, nullptr, nullptr, nullptr, TRUE}, 80, FALSE},
      {{FALSE, 80, "60", nullptr, "xterm", TRUE}, 0, FALSE},
  };
  for (const auto &c : cases) {
    CtlTerminal terminal = ctl_terminal_decide(&c.surroundings);
    EXPECT_EQ(terminal.width, c.width);
    EXPECT_EQ(terminal.colour, c.colour);
    EXPECT_TRUE(terminal.utf8);
  }
}

TEST(CtlTerminal, AFileIsNone)
{
  FILE *file = tmpfile();
  CtlTerminal terminal = ctl_terminal_of(file);
  EXPECT_EQ(terminal.width, 0u);
  EXPECT_FALSE(terminal.colour);
  fclose(file);
}

TEST(CtlTerminal, Bars)
{
  const struct {
    double share;
    const char *ascii;
    const char *utf8;
    CtlColour colour;
  } cases[] = {
      {-0.5, "----", "░░░░", CTL_COLOUR_GREEN}, {0, "----", "░░░░", CTL_COLOUR_GREEN},
      {0.5, "##--", "██░░", CTL_COLOUR_GREEN},  {0.69, "##--", "██░░", CTL_COLOUR_GREEN},
      {0.7, "##--", "██░░", CTL_COLOUR_YELLOW}, {0.999, "###-", "███░", CTL_COLOUR_YELLOW},
      {1, "####", "████", CTL_COLOUR_RED},      {17, "####", "████", CTL_COLOUR_RED},
  };
  for (const auto &c : cases) {
    CtlTerminal ascii = {0, FALSE, FALSE};
    CtlTerminal utf8 = {0, FALSE, TRUE};
    g_autofree char *plain = ctl_bar(&ascii, c.share, 4);
    g_autofree char *blocks = ctl_bar(&utf8, c.share, 4);
    EXPECT_STREQ(plain, c.ascii) << c.share;
    EXPECT_STREQ(blocks, c.utf8) << c.share;
    EXPECT_EQ(ctl_colour_of_share(c.share), c.colour) << c.share;
  }
}

TEST(CtlTerminal, Cut)
{
  const struct {
    const char *text;
    guint width;
    const char *utf8;
    const char *ascii;
  } cases[] = {
      {"worker", 6, "worker", "worker"},
      {"worker", 5, "work…", "work~"},
      {"worker", 1, "…", "~"},
      {"worker", 0, "", ""},
      {"", 0, "", ""},
      {"字字字", 5, "字字…", "字字~"},
      {"字字字", 4, "字…", "字~"},
  };
  for (const auto &c : cases) {
    CtlTerminal ascii = {0, FALSE, FALSE};
    CtlTerminal utf8 = {0, FALSE, TRUE};
    g_autofree char *plain = ctl_cut(&ascii, c.text, c.width);
    g_autofree char *dots = ctl_cut(&utf8, c.text, c.width);
    EXPECT_STREQ(plain, c.ascii);
    EXPECT_STREQ(dots, c.utf8);
  }
}

TEST(CtlTerminal, Wrapped)
{
  const struct {
    guint width;
    const char *text;
    const char *lines;
  } cases[] = {
      {0, "one two three four five six seven", "one two three four five six seven\n"},
      {24, "one two three four five six seven", "one two three four\n    five six seven\n"},
      {24, "one two three four, five", "one two three four,\n    five\n"},
      {24, "a_word_that_is_longer_than_a_line", "a_word_that_is_longe\n    r_than_a_line\n"},
      {3, "one two three four five six seven", "one two three four\n    five six seven\n"},
      {24, "", "\n"},
      {24, "one", "one\n"},
      {24, "字字字字字字字字字字字", "字字字字字字字字字字\n    字\n"},
  };
  for (const auto &c : cases) {
    CtlTerminal terminal = {c.width, FALSE, TRUE};
    EXPECT_EQ(printed([&](FILE *out) { ctl_print_wrapped(&terminal, c.text, 4, out); }), c.lines)
        << c.width;
  }
}

std::string
rows(const CtlTerminal &terminal)
{
  static const CtlColumn columns[] = {{"NAME", 0}, {"PID", 30}, {"", 0}, {"STATE", 0}};
  return printed([&](FILE *out) {
    CtlRows *rows = ctl_rows_new(columns, 4, &terminal, out);
    ctl_rows_add(rows, g_strdup("worker"), CTL_COLOUR_NONE);
    ctl_rows_add(rows, g_strdup("42"), CTL_COLOUR_NONE);
    ctl_rows_add(rows, g_strdup("###"), CTL_COLOUR_GREEN);
    ctl_rows_add(rows, g_strdup("running"), CTL_COLOUR_NONE);
    ctl_rows_add(rows, g_strdup("字"), CTL_COLOUR_NONE);
    ctl_rows_add(rows, g_strdup("-"), CTL_COLOUR_NONE);
    ctl_rows_add(rows, g_strdup(""), CTL_COLOUR_GREEN);
    ctl_rows_add(rows, g_strdup("stopped"), CTL_COLOUR_DIM);
    ctl_rows_end(rows);
  });
}

TEST(CtlRows, Aligned)
{
  EXPECT_EQ(rows({0, FALSE, TRUE}), "NAME    PID       STATE\n"
                                    "worker  42   ###  running\n"
                                    "字      -         stopped\n");
}

TEST(CtlRows, ANarrowTerminalHasFewerColumnsAndCutOnes)
{
  EXPECT_EQ(rows({30, FALSE, TRUE}), rows({0, FALSE, TRUE}));
  EXPECT_EQ(rows({29, FALSE, TRUE}), "NAME         STATE\n"
                                     "worker  ###  running\n"
                                     "字           stopped\n");
  EXPECT_EQ(rows({16, FALSE, TRUE}), "NAME         ST…\n"
                                     "worker  ###  ru…\n"
                                     "字           st…\n");
  EXPECT_EQ(rows({4, FALSE, FALSE}), "NAME\nwor~\n字\n");
}

TEST(CtlRows, Coloured)
{
  EXPECT_EQ(rows({20, TRUE, TRUE}), "\033[1mNAME\033[0m         \033[1mSTATE\033[0m\n"
                                    "worker  \033[32m###\033[0m  running\n"
                                    "字           \033[2mstopped\033[0m\n");
}

} // namespace
