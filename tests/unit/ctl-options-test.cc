#include "tables/ctl/options.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

CtlOptions *
parse(std::vector<const char *> arguments, std::string *message = nullptr)
{
  arguments.insert(arguments.begin(), "osquery-watchdogctl");
  arguments.push_back(nullptr);
  g_autoptr(GError) error = nullptr;
  CtlOptions *options = ctl_options_parse(arguments.data(), &error);
  EXPECT_EQ(options == nullptr, error != nullptr);
  if (message != nullptr)
    *message = error != nullptr ? error->message : "";
  return options;
}

TEST(CtlOptions, Defaults)
{
  g_autoptr(CtlOptions) options = parse({"status"});
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->command, CTL_COMMAND_STATUS);
  EXPECT_EQ(options->format, CTL_FORMAT_PEOPLE);
  EXPECT_STREQ(options->state_dir, "/var/lib/osquery-watchdog");
  EXPECT_STREQ(options->runtime_dir, "/run/osquery-watchdog");
  EXPECT_FALSE(options->follow);
  EXPECT_EQ(options->since_s, 0);
  EXPECT_EQ(options->event, nullptr);
}

TEST(CtlOptions, OptionsStandAnywhereWithAndWithoutEqualsSign)
{
  for (std::vector<const char *> arguments :
       {std::vector<const char *>{"--state_dir", "/a", "--runtime_dir", "/b", "--json", "events",
                                  "--since", "2h", "--event", "spawn_failed", "--follow"},
        std::vector<const char *>{"events", "--follow", "--event=spawn_failed", "--since=2h",
                                  "--json", "--runtime_dir=/b", "--state_dir=/a"}}) {
    g_autoptr(CtlOptions) options = parse(arguments);
    ASSERT_NE(options, nullptr);
    EXPECT_EQ(options->command, CTL_COMMAND_EVENTS);
    EXPECT_EQ(options->format, CTL_FORMAT_JSON);
    EXPECT_STREQ(options->state_dir, "/a");
    EXPECT_STREQ(options->runtime_dir, "/b");
    EXPECT_EQ(options->since_s, 7200);
    EXPECT_STREQ(options->event, "spawn_failed");
    EXPECT_TRUE(options->follow);
  }
}

TEST(CtlOptions, Commands)
{
  const struct {
    std::vector<const char *> arguments;
    CtlCommand command;
  } cases[] = {
      {{"--help"}, CTL_COMMAND_HELP},          {{"--version"}, CTL_COMMAND_VERSION},
      {{"status"}, CTL_COMMAND_STATUS},        {{"events"}, CTL_COMMAND_EVENTS},
      {{"query", "x"}, CTL_COMMAND_QUERY},     {{"nonsense", "--help"}, CTL_COMMAND_HELP},
      {{"query"}, CTL_COMMAND_QUERY},          {{"explain"}, CTL_COMMAND_EXPLAIN},
      {{"explain", "7"}, CTL_COMMAND_EXPLAIN},
  };
  for (const auto &c : cases) {
    g_autoptr(CtlOptions) options = parse(c.arguments);
    ASSERT_NE(options, nullptr);
    EXPECT_EQ(options->command, c.command);
  }
}

TEST(CtlOptions, AReportNeedsItsFile)
{
  g_autoptr(CtlOptions) options = parse({"report", "--html", "a.html", "--since", "1h"});
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->command, CTL_COMMAND_REPORT);
  EXPECT_STREQ(options->html, "a.html");
  EXPECT_EQ(options->since_s, 3600);
}

TEST(CtlOptions, SqlMayBeAnything)
{
  for (const char *sql : {"SELECT 'ü'", "", "SELECT '\xff'"}) {
    g_autoptr(CtlOptions) options = parse({"query", sql});
    ASSERT_NE(options, nullptr) << sql;
    EXPECT_STREQ(options->sql, sql);
  }
}

TEST(CtlOptions, OperandsMayBeLeftOut)
{
  g_autoptr(CtlOptions) query = parse({"query"});
  EXPECT_EQ(query->sql, nullptr);
  g_autoptr(CtlOptions) newest = parse({"explain"});
  EXPECT_EQ(newest->eid, 0);
  g_autoptr(CtlOptions) explain = parse({"explain", "9223372036854775807"});
  EXPECT_EQ(explain->eid, G_MAXINT64);
}

TEST(CtlOptions, BadUsageNamesTheArgument)
{
  const struct {
    std::vector<const char *> arguments;
    const char *message;
  } cases[] = {
      {{}, "COMMAND: is missing, one of status, events, explain, report, query"},
      {{"stat"}, "stat: is no command, expected one of status, events, explain, report, query"},
      {{"status", "now"}, "now: is one argument too many"},
      {{"explain", "1", "2"}, "2: is one argument too many"},
      {{"explain", "all"}, "explain all: is no event's number, expected an eid such as 42"},
      {{"explain", "0"}, "explain 0: is no event's number, expected an eid such as 42"},
      {{"explain", "1x"}, "explain 1x: is no event's number, expected an eid such as 42"},
      {{"explain", ""}, "explain : is no event's number, expected an eid such as 42"},
      {{"explain", "9223372036854775808"},
       "explain 9223372036854775808: is no event's number, expected an eid such as 42"},
      {{"report"}, "report: expects --html FILE, or --html - for the standard output"},
      {{"report", "--html="}, "report: expects --html FILE, or --html - for the standard output"},
      {{"report", "--html=a", "b"}, "b: is one argument too many"},
      {{"report", "--html=a", "--json"}, "--json: a report is written as HTML alone"},
      {{"report", "--html=a", "--line"}, "--line: a report is written as HTML alone"},
      {{"report", "--html=a", "--follow"}, "--follow: goes with the command events alone"},
      {{"report", "--html=a", "--since=x"},
       "--since x: is no duration, expected such as 90s, 15m, 1h, 7d"},
      {{"status", "--html=a"}, "--html: goes with the command report alone"},
      {{"query", "SELECT", "1"}, "1: is one argument too many"},
      {{"--colour", "status"}, "Unknown option --colour"},
      {{"status", "--state_dir"}, "Missing argument for --state_dir"},
      {{"status", "--follow"}, "--follow: goes with the command events alone"},
      {{"query", "x", "--since", "1h"}, "--since: goes with the command events alone"},
      {{"status", "--event", "x"}, "--event: goes with the command events alone"},
      {{"events", "--since", "soon"},
       "--since soon: is no duration, expected such as 90s, 15m, 1h, 7d"},
      {{"events", "--event", "boom"},
       "--event boom: is no event, expected such as"
       " process_terminated"},
      {{"--json", "--csv", "status"}, "--csv: only one of --json, --csv, --line can be given"},
  };
  for (const auto &c : cases) {
    std::string message;
    g_autoptr(CtlOptions) options = parse(c.arguments, &message);
    EXPECT_EQ(options, nullptr);
    EXPECT_EQ(message, c.message);
  }
}

TEST(CtlOptions, Durations)
{
  const struct {
    const char *text;
    gint64 seconds;
  } cases[] = {
      {"90", 90},
      {"90s", 90},
      {"15m", 900},
      {"1h", 3600},
      {"7d", 604800},
      {"2w", 1209600},
      {"0", 0},
      {"0h", 0},
      {"", 0},
      {"h", 0},
      {"-1h", 0},
      {"+1h", 0},
      {"1.5h", 0},
      {"1hh", 0},
      {"1 h", 0},
      {" 1h", 0},
      {"1y", 0},
      {"1H", 0},
      {"2147483647w", 2147483647 * G_GINT64_CONSTANT(604800)},
      {"2147483648", 0},
      {"99999999999999999999", 0},
  };
  for (const auto &c : cases)
    EXPECT_EQ(ctl_parse_duration(c.text), c.seconds) << c.text;
}

} // namespace
