/* Which flags --name_queries adds, and what --check says of queries' names. */
#include "watchdog/core/settings/query-names.h"
#include "watchdog/core/settings/settings-parse.h"

#include "tests/unit/settings-io.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace
{

using Words = std::vector<std::string>;

/* From what osquery 5.23 prints. */
const char HELP[] =
    "osquery 5.23.0, your OS as a high-performance relational database\n"
    "Usage: osqueryd [OPTION]... \n"
    "\n"
    "osquery command line flags:\n"
    "\n"
    "    --flagfile PATH                                  Line-delimited file of additional flags\n"
    "    --D                                              Run as a daemon process\n"
    "    --alarm_timeout VALUE                            Seconds to allow for shutdown\n"
    "\n"
    "osquery configuration options (set by config or CLI flags):\n"
    "\n"
    "    --distributed_loginfo                            Log the running distributed queries name "
    "at INFO level\n"
    "    --schedule_epoch VALUE                           Epoch for scheduled queries\n"
    "    --schedule_lognames                              Log the running scheduled query name at "
    "INFO level\n";

class QueryNames : public testing::Test
{
protected:
  /* "w" and our options, "--", osqueryd and its flags. */
  WdSettings *parse(const Words &words)
  {
    g_autoptr(GError) error = nullptr;
    WdSettingsIo io = fake.io();
    std::vector<const char *> argv;
    for (const std::string &word : words)
      argv.push_back(word.c_str());
    argv.push_back(nullptr);
    WdSettings *settings = wd_settings_parse(argv.data(), 2, &io, &error);
    EXPECT_EQ(error, nullptr) << error->message;
    return settings;
  }

  /* The worker's command line and, behind "|", what isn't known. */
  Words worker(const Words &words, const char *help)
  {
    g_autoptr(WdSettings) settings = parse(words);
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();
    g_auto(GStrv) argv = wd_query_names_argv(settings, help, unknown);
    Words all(argv, argv + g_strv_length(argv));
    for (guint i = 0; i < unknown->len; i++)
      all.push_back(std::string("|") + (const char *)g_ptr_array_index(unknown, i));
    return all;
  }

  std::string described(const Words &own, const Words &flags)
  {
    Words words = {"w"};
    words.insert(words.end(), own.begin(), own.end());
    words.insert(words.end(), {"--", "osqueryd"});
    words.insert(words.end(), flags.begin(), flags.end());
    g_autoptr(WdSettings) settings = parse(words);
    g_autofree char *text = wd_query_names_describe(settings);
    return text;
  }

  FakeIo fake;
};

const char SCHEDULE[] = "--schedule_lognames=true";
const char DISTRIBUTED[] = "--distributed_loginfo=true";

TEST_F(QueryNames, FlagsThatOsquerydKnowsComeFirst)
{
  EXPECT_EQ(worker({"w", "--name_queries", "--", "osqueryd", "--verbose", "--", "x"}, HELP),
            (Words{"osqueryd", SCHEDULE, DISTRIBUTED, "--verbose", "--", "x"}));
  EXPECT_EQ(worker({"w", "--", "osqueryd", "--verbose"}, HELP), (Words{"osqueryd", "--verbose"}));
}

TEST_F(QueryNames, OnlyWhatHelpListsAsAFlagIsKnown)
{
  struct {
    const char *help;
    gboolean schedule;
    gboolean distributed;
  } const cases[] = {
      {"", FALSE, FALSE},
      {"    --schedule_lognames\n", TRUE, FALSE},
      {"--schedule_lognames", TRUE, FALSE},
      {"  --distributed_loginfo  Log\r\n  --schedule_lognames\r\n", TRUE, TRUE},
      {"    --schedule_lognames VALUE   text", TRUE, FALSE},
      {"    --schedule_lognames_too   text\n", FALSE, FALSE},
      {"    --schedule_log\n", FALSE, FALSE},
      {"    --other   as --schedule_lognames\n    \n--\n", FALSE, FALSE},
      {"    schedule_lognames\n    -schedule_lognames\n", FALSE, FALSE},
      {"\xff\x01    --schedule_lognames\n", FALSE, FALSE},
  };
  for (const auto &c : cases) {
    Words expected = {"osqueryd"};
    if (c.schedule)
      expected.push_back(SCHEDULE);
    if (c.distributed)
      expected.push_back(DISTRIBUTED);
    if (!c.schedule)
      expected.push_back("|schedule_lognames");
    if (!c.distributed)
      expected.push_back("|distributed_loginfo");
    EXPECT_EQ(worker({"w", "--name_queries", "--", "osqueryd"}, c.help), expected) << c.help;
  }
}

TEST_F(QueryNames, WhatIsSetStays)
{
  for (const char *given : {"--schedule_lognames", "--noschedule_lognames",
                            "--schedule-lognames=false", "--schedule_lognames=1"}) {
    EXPECT_EQ(worker({"w", "--name_queries", "--", "osqueryd", given}, HELP),
              (Words{"osqueryd", DISTRIBUTED, given}));
    EXPECT_EQ(worker({"w", "--name_queries", "--", "osqueryd", given}, ""),
              (Words{"osqueryd", given, "|distributed_loginfo"}));
  }
  fake.files["/f"] = "--distributed_loginfo=false\n";
  EXPECT_EQ(worker({"w", "--name_queries", "--", "osqueryd", "--flagfile=/f"}, HELP),
            (Words{"osqueryd", SCHEDULE, "--flagfile=/f"}));
}

TEST_F(QueryNames, OsquerydIsAskedOnlyIfSomethingMayBeAdded)
{
  struct {
    Words words;
    gboolean wanted;
  } const cases[] = {
      {{"w", "--", "osqueryd"}, FALSE},
      {{"w", "--name_queries", "--", "osqueryd"}, TRUE},
      {{"w", "--name_queries", "--", "osqueryd", "--schedule_lognames"}, TRUE},
      {{"w", "--name_queries", "--", "osqueryd", "--schedule_lognames", "--nodistributed_loginfo"},
       FALSE},
  };
  for (const auto &c : cases) {
    g_autoptr(WdSettings) settings = parse(c.words);
    EXPECT_EQ(wd_query_names_wanted(settings), c.wanted) << c.words.size();
  }
}

TEST_F(QueryNames, AreDescribed)
{
  struct {
    Words own;
    Words flags;
    const char *text;
  } const cases[] = {
      {{}, {}, "scheduled not named, distributed not named  (--name_queries would name them)"},
      {{}, {"--verbose"}, "scheduled named, distributed named"},
      {{}, {"--schedule_lognames", "--distributed_loginfo"}, "scheduled named, distributed named"},
      {{},
       {"--distributed_loginfo"},
       "scheduled not named, distributed named  (--name_queries would name them)"},
      {{"--name_queries"},
       {},
       "scheduled named if osqueryd can, distributed named if osqueryd can  "
       "(--name_queries asks osqueryd at the start)"},
      {{"--name_queries"},
       {"--schedule_lognames=false"},
       "scheduled not named, distributed named if osqueryd can  "
       "(--schedule_lognames=false, argv; --name_queries asks osqueryd at the start)"},
      {{"--name_queries"}, {"--verbose"}, "scheduled named, distributed named"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(described(c.own, c.flags), c.text);
}

TEST_F(QueryNames, NeedAStderrThatGetsTheLevelInfo)
{
  const std::string named = "scheduled named, distributed named";
  struct {
    Words flags;
    const char *silence; /* NULL: none */
  } const cases[] = {
      {{"--logger_min_status=1"}, "--logger_min_status=1, argv"},
      {{"--logger_min_status=1", "--verbose"}, nullptr},
      {{"--logger_min_stderr=2"}, "--logger_min_stderr=2, argv"},
      {{"--logger_min_stderr=2", "--verbose"}, nullptr},
      {{"--logger_stderr=false"}, "--logger_stderr=false, argv"},
      {{"--nologger_stderr", "--verbose"}, "--logger_stderr=false, argv"},
      {{"--nologger_stderr", "--logger_plugin=tls"}, nullptr},
      {{"--logger_min_stderr=2", "--logger_plugin=tls"}, nullptr},
      {{"--logger_plugin=tls,filesystem", "--nologger_stderr"}, "--logger_stderr=false, argv"},
      {{"--logger_plugin=stdout", "--verbose"}, "--logger_plugin=stdout, argv"},
      {{"--logger_plugin=tls"}, nullptr},
  };
  for (const auto &c : cases) {
    Words flags = {"--schedule_lognames", "--distributed_loginfo"};
    flags.insert(flags.end(), c.flags.begin(), c.flags.end());
    const std::string expected =
        c.silence == nullptr
            ? named
            : std::string("scheduled not named, distributed not named  (") + c.silence + ")";
    EXPECT_EQ(described({}, flags), expected);
  }
}

TEST(QueryNamesLog, IsThatOfTheFilesystemLogger)
{
  struct {
    const char *plugin;
    const char *path;
    const char *disabled;
    const char *directory;
  } const cases[] = {
      {"filesystem", "/var/log/osquery/", "false", "/var/log/osquery/"},
      {"tls,filesystem", "/l", "false", "/l"},
      {"filesystem", "/l", nullptr, "/l"},
      {"tls", "/l", "false", nullptr},
      {"filesystem_too", "/l", "false", nullptr},
      {"filesystem", "l", "false", nullptr},
      {"filesystem", "", "false", nullptr},
      {"filesystem", "/l", "true", nullptr},
      {"filesystem", nullptr, "false", nullptr},
      {nullptr, "/l", "false", nullptr},
  };
  for (const auto &c : cases) {
    g_autoptr(GHashTable) options = g_hash_table_new(g_str_hash, g_str_equal);
    const char *const values[][2] = {
        {"logger_plugin", c.plugin}, {"logger_path", c.path}, {"disable_logging", c.disabled}};
    for (const auto &value : values)
      if (value[1] != nullptr)
        g_hash_table_insert(options, (gpointer)value[0], (gpointer)value[1]);
    EXPECT_STREQ(wd_query_names_log_directory(options), c.directory) << c.plugin;
  }
}

} // namespace
