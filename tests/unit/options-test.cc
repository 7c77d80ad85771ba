#include "extension/options.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{
using std::string;

struct Parsed {
  Parsed(std::vector<const char *> arguments, ExtEnvironment environment = {})
  {
    arguments.insert(arguments.begin(), "osquery-watchdog.ext");
    arguments.push_back(nullptr);
    g_autoptr(GError) failure = nullptr;
    result = ext_options_parse(arguments.data(), &environment, &options, &failure);
    error = failure != nullptr ? failure->message : "";
  }
  ~Parsed()
  {
    ext_options_clear(&options);
  }
  Parsed(const Parsed &) = delete;
  ExtOptions options;
  ExtOptionsResult result;
  string error;
};

TEST(Options, WhatOsqueryPasses)
{
  const Parsed p(
      {"--verbose", "--socket", "/var/osquery/osquery.em", "--timeout", "5", "--interval", "7"});
  ASSERT_EQ(p.result, EXT_OPTIONS_RUN) << p.error;
  EXPECT_STREQ(p.options.socket, "/var/osquery/osquery.em");
  EXPECT_EQ(p.options.timeout_us, 5000000);
  EXPECT_EQ(p.options.interval_us, 7000000);
  EXPECT_TRUE(p.options.verbose);
  EXPECT_EQ(p.options.starter, EXT_STARTED_BY_HAND);
}

TEST(Options, Defaults)
{
  const Parsed p({"--socket=/s"});
  ASSERT_EQ(p.result, EXT_OPTIONS_RUN);
  EXPECT_EQ(p.options.timeout_us, 3000000);
  EXPECT_EQ(p.options.interval_us, 3000000);
  EXPECT_FALSE(p.options.verbose);
  EXPECT_STREQ(p.options.state_dir, "/var/lib/osquery-watchdog");
  EXPECT_STREQ(p.options.runtime_dir, "/run/osquery-watchdog");
}

TEST(Options, Observe)
{
  struct {
    std::vector<const char *> arguments;
    ExtObserve observe;
  } const rows[] = {
      {{"--socket=/s"}, EXT_OBSERVE_IF_STOCK},
      {{"--socket=/s", "--observe"}, EXT_OBSERVE_ALWAYS},
      {{"--socket=/s", "--observe=false"}, EXT_OBSERVE_NEVER},
      {{"--socket=/s", "--observe", "--noobserve"}, EXT_OBSERVE_NEVER},
      {{"--socket=/s", "--noobserve", "--observe=true"}, EXT_OBSERVE_ALWAYS},
  };
  for (const auto &row : rows) {
    const Parsed p(row.arguments);
    ASSERT_EQ(p.result, EXT_OPTIONS_RUN) << p.error;
    EXPECT_EQ(p.options.observe, row.observe);
  }
  EXPECT_EQ(Parsed({"--socket=/s", "--observe=maybe"}).error,
            "--observe=maybe: needs true or false");
}

TEST(Options, FormsOfFlags)
{
  const Parsed p({"-socket=/a", "--socket", "/b=c", "-timeout", "0x10", "--state-dir=/state",
                  "--runtime_dir", "/run/x", "--verbose", "--noverbose", "--interval=1"});
  ASSERT_EQ(p.result, EXT_OPTIONS_RUN) << p.error;
  EXPECT_STREQ(p.options.socket, "/b=c"); // the last one wins
  EXPECT_EQ(p.options.timeout_us, 16000000);
  EXPECT_STREQ(p.options.state_dir, "/state");
  EXPECT_STREQ(p.options.runtime_dir, "/run/x");
  EXPECT_FALSE(p.options.verbose);
  const struct {
    const char *flag;
    bool verbose;
  } booleans[] = {{"--verbose", true},     {"--verbose=true", true}, {"-verbose=1", true},
                  {"--verbose=Yes", true}, {"--verbose=0", false},   {"--verbose=false", false}};
  for (const auto &b : booleans) {
    const Parsed one({"--socket=/s", b.flag});
    EXPECT_EQ(one.result, EXT_OPTIONS_RUN);
    EXPECT_EQ(one.options.verbose, b.verbose) << b.flag;
  }
}

TEST(Options, TheEnvironmentTellsWhoStartedUs)
{
  const Parsed p({"--socket=/s"}, {"/state", "/runtime"});
  EXPECT_EQ(p.options.starter, EXT_STARTED_BY_WATCHDOG);
  EXPECT_STREQ(p.options.state_dir, "/state");
  EXPECT_STREQ(p.options.runtime_dir, "/runtime");
  const Parsed flags({"--socket=/s", "--state_dir=/a", "--runtime_dir=/b"}, {"/state", "/runtime"});
  EXPECT_EQ(flags.options.starter, EXT_STARTED_BY_WATCHDOG);
  EXPECT_STREQ(flags.options.state_dir, "/a");
  EXPECT_STREQ(flags.options.runtime_dir, "/b");
}

TEST(Options, OsqueryToldUsOurPid)
{
  ExtEnvironment environment = {};
  environment.pid = 4711;
  environment.extension = "4711";
  EXPECT_EQ(Parsed({"--socket=/s"}, environment).options.starter, EXT_STARTED_BY_OSQUERY);
  environment.extension = "4712"; // inherited from an extension that started us
  EXPECT_EQ(Parsed({"--socket=/s"}, environment).options.starter, EXT_STARTED_BY_HAND);
  environment.extension = "4711";
  environment.runtime_dir = "/run";
  EXPECT_EQ(Parsed({"--socket=/s"}, environment).options.starter, EXT_STARTED_BY_WATCHDOG);
}

TEST(Options, BadUsageNamesTheArgument)
{
  const string longest(107 - 6, 'x'), longer(107 - 5, 'x');
  const struct {
    std::vector<const char *> arguments;
    const char *named;
  } cases[] = {
      {{}, "--socket"},
      {{"--socket"}, "--socket"},
      {{"--socket="}, "--socket="},
      {{"--socket", ""}, "--socket"},
      {{"--socket", "/s", "--frobnicate"}, "--frobnicate"},
      {{"--socket", "/s", "--frobnicate=1"}, "--frobnicate=1"},
      {{"--socket", "/s", "word"}, "word"},
      {{"--socket", "/s", "--"}, "--"},
      {{"--socket", "/s", "-"}, "-"},
      {{"--socket", "/s", ""}, ""},
      {{"--socket", "/s", "--timeout", "soon"}, "--timeout"},
      {{"--socket", "/s", "--timeout=-1"}, "--timeout=-1"},
      {{"--socket", "/s", "--timeout= 1"}, "--timeout= 1"},
      {{"--socket", "/s", "--interval=1.5"}, "--interval=1.5"},
      {{"--socket", "/s", "--interval=99999999999999999999"}, "--interval="},
      {{"--socket", "/s", "--interval=0x"}, "--interval=0x"},
      {{"--socket", "/s", "--verbose=maybe"}, "--verbose=maybe"},
      {{"--socket", "/s", "--noverbose=1"}, "--noverbose=1"},
      {{"--socket", longer.c_str()}, longer.c_str()},
  };
  for (const auto &c : cases) {
    const Parsed p(c.arguments);
    EXPECT_EQ(p.result, EXT_OPTIONS_WRONG) << c.named;
    EXPECT_NE(p.error.find(c.named), string::npos) << p.error;
    EXPECT_EQ(p.error.find('\n'), string::npos);
  }
  EXPECT_EQ(Parsed({"--socket", longest.c_str()}).result, EXT_OPTIONS_RUN);
  // osqueryd hands on whatever its own flag says.
  EXPECT_EQ(Parsed({"--socket=/s", "--interval=0"}).options.interval_us, 1000000);
}

TEST(Options, HelpAndVersion)
{
  EXPECT_EQ(Parsed({"--help"}).result, EXT_OPTIONS_HELP);
  EXPECT_EQ(Parsed({"-h"}).result, EXT_OPTIONS_HELP);
  EXPECT_EQ(Parsed({"--socket=/s", "--version"}).result, EXT_OPTIONS_VERSION);
  for (const char *flag : {"--socket", "--timeout", "--interval", "--verbose", "--state_dir",
                           "--runtime_dir", "--version", "--help"})
    EXPECT_NE(string(ext_options_help()).find(flag), string::npos) << flag;
}
} // namespace
