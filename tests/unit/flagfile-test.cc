#include "watchdog/core/settings/flagfile.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace
{

/* "NUMBER:TEXT", with "+" before it if lines were joined. */
std::vector<std::string>
lines(const char *text)
{
  std::vector<std::string> all;
  WdFlagfile file = wd_flagfile_begin(text);
  WdFlagfileLine line;
  while (wd_flagfile_next(&file, &line)) {
    all.push_back((line.joined ? "+" : "") + std::to_string(line.number) + ":" + line.text);
    g_free(line.text);
  }
  EXPECT_FALSE(wd_flagfile_next(&file, &line)) << "the end stays the end";
  return all;
}

using Lines = std::vector<std::string>;

TEST(Flagfile, IsCutIntoLines)
{
  EXPECT_EQ(lines(""), Lines{});
  EXPECT_EQ(lines(" \n\t\n\r\n\v\f\n"), Lines{});
  EXPECT_EQ(lines("--a"), Lines{"1:--a"});
  EXPECT_EQ(lines("--a\n--b\n"), (Lines{"1:--a", "2:--b"}));
  EXPECT_EQ(lines("\n\n  --a\n\n# b\n--c"), (Lines{"3:--a", "5:# b", "6:--c"}));
  EXPECT_EQ(lines("--a  \n--b\t"), (Lines{"1:--a  ", "2:--b\t"}));
}

TEST(Flagfile, LinesMayEndInCrLf)
{
  EXPECT_EQ(lines("--a\r\n--b\r\n\r\n--c"), (Lines{"1:--a", "2:--b", "4:--c"}));
  EXPECT_EQ(lines("--a\r\n--b\n--c"), (Lines{"1:--a", "2:--b", "3:--c"}));
}

TEST(Flagfile, ACrFurtherOnJoinsTheLinesBeforeIt)
{
  EXPECT_EQ(lines("# a\n--b\n--c\r\n--d"), (Lines{"+1:# a\n--b\n--c", "4:--d"}));
}

TEST(Flagfile, NamesPrograms)
{
  struct {
    const char *line;
    const char *program;
    bool named;
  } const cases[] = {
      {"osqueryd", "osqueryd", true},
      {"osqueryd", "/usr/bin/osqueryd", true},
      {"/usr/bin/osqueryd", "/usr/bin/osqueryd", true},
      {"/usr/bin/osqueryd", "osqueryd", false},
      {"/usr/*/osqueryd", "/usr/bin/osqueryd", true},
      {"/usr/*", "/usr/bin/osqueryd", false},
      {"osquery*", "/usr/bin/osqueryd", true},
      {"osquery?", "/usr/bin/osqueryd", true},
      {"osqueryi osqueryd", "osqueryd", true},
      {"osqueryi  osqueryd ", "osqueryd", true},
      {"osqueryi", "osqueryd", false},
      {"osqueryd\tx", "osqueryd", false},
      {"watchdog_level=1", "osqueryd", false},
      {"", "osqueryd", false},
  };
  for (const auto &c : cases)
    EXPECT_EQ(wd_flagfile_names_program(c.line, c.program), c.named) << c.line << " " << c.program;
}

} // namespace
