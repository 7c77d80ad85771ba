#include "watchdog/core/settings/osqueryd-flags.h"
#include "watchdog/core/settings/own-options.h"
#include "watchdog/core/settings/settings-parse.h"

#include "tests/unit/settings-io.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace
{

class Settings : public testing::Test
{
protected:
  ~Settings() override
  {
    wd_settings_free(settings);
  }

  /* "" or the error. */
  std::string parse(std::initializer_list<const char *> words)
  {
    g_autoptr(GError) error = nullptr;
    WdSettingsIo io = fake.io();
    wd_settings_free(settings);
    settings = wd_settings_parse(Argv(words).get(), 2, &io, &error);
    EXPECT_EQ(settings == nullptr, error != nullptr);
    code = error != nullptr ? error->code : -1;
    if (error == nullptr)
      return "";
    EXPECT_EQ(error->domain, WD_SETTINGS_ERROR);
    EXPECT_EQ(strchr(error->message, '\n'), nullptr) << error->message;
    return error->message;
  }

  /* "VALUE SOURCE" as --check shows it. */
  std::string origin(const char *name)
  {
    std::string found;
    for (guint i = 0; i < settings->origins->len; i++) {
      auto *one = static_cast<WdSetting *>(g_ptr_array_index(settings->origins, i));
      if (strcmp(one->name, name) != 0)
        continue;
      EXPECT_EQ(found, "") << name << " is there twice";
      found = std::string(one->value) + " " + one->source;
    }
    return found;
  }

  static std::vector<std::string> lines(const GPtrArray *array)
  {
    std::vector<std::string> all;
    for (guint i = 0; i < array->len; i++)
      all.push_back(static_cast<const char *>(g_ptr_array_index(array, i)));
    return all;
  }

  std::vector<std::string> warnings()
  {
    return lines(settings->warnings);
  }

  FakeIo fake;
  WdSettings *settings = nullptr;
  int code = -1;
};

using Lines = std::vector<std::string>;

TEST_F(Settings, Defaults)
{
  ASSERT_EQ(parse({"w", "--", "/usr/bin/osqueryd"}), "");
  EXPECT_EQ(settings->command, WD_COMMAND_RUN);
  EXPECT_STREQ(settings->state_dir, "/var/lib/osquery-watchdog");
  EXPECT_STREQ(settings->runtime_dir, "/run/osquery-watchdog");
  EXPECT_EQ(settings->tables_extension, nullptr);
  EXPECT_TRUE(settings->tables);
  EXPECT_EQ(settings->history_max, 10000);
  EXPECT_EQ(settings->history_expiry_s, 2592000);
  EXPECT_STREQ(settings->osqueryd_argv[0], "/usr/bin/osqueryd");
  EXPECT_EQ(settings->osqueryd_argv[1], nullptr);
  EXPECT_EQ(settings->watchdog_level, 0);
  EXPECT_TRUE(settings->limits.manager);
  EXPECT_FALSE(settings->allow_unsafe);
  EXPECT_FALSE(settings->verbose);
  EXPECT_FALSE(settings->limits.debug);
  EXPECT_FALSE(settings->force);
  EXPECT_EQ(origin("ephemeral"), "false default");
  EXPECT_FALSE(settings->daemonize);
  EXPECT_STREQ(settings->extensions_socket, "/var/osquery/osquery.em");
  EXPECT_STREQ(settings->extensions_autoload, "/etc/osquery/extensions.load");
  EXPECT_EQ(origin("extensions_require"), " default");
  EXPECT_STREQ(settings->pidfile, "/var/run/osqueryd.pidfile");
  EXPECT_EQ(origin("alarm_timeout"), "15 default");

  const WdLimits &limits = settings->limits;
  EXPECT_TRUE(limits.enforce);
  EXPECT_FALSE(limits.enforce_extensions);
  EXPECT_FALSE(limits.dry_run);
  EXPECT_EQ(limits.memory_limit_bytes, 200 * 1024 * 1024);
  EXPECT_EQ(limits.memory_metric, WD_METRIC_GROWTH);
  EXPECT_EQ(limits.utilization_limit, 10);
  EXPECT_EQ(limits.latency_limit_s, 12);
  EXPECT_EQ(limits.respawn_limit, 4);
  EXPECT_EQ(limits.quick_exit_s, 4);
  EXPECT_EQ(limits.respawn_delay_s, 5);
  EXPECT_EQ(limits.max_delay_s, 600);
  EXPECT_EQ(limits.watchdog_delay_s, 60);
  EXPECT_EQ(limits.forced_shutdown_delay_s, 4);
  EXPECT_EQ(limits.grace_limit_percent, 200);
  EXPECT_EQ(limits.stop_grace_s, 11);
  EXPECT_EQ(limits.extensions_interval_s, 3);
  EXPECT_EQ(limits.extensions_timeout_s, 3);
  EXPECT_EQ(limits.extension_give_up, WD_GIVE_UP_SHUTDOWN);
  EXPECT_EQ(limits.extension_registration_timeout_s, 0);
  EXPECT_EQ(limits.unresponsive_timeout_s, 0);
  EXPECT_EQ(limits.cpus, 2u);
  EXPECT_EQ(warnings(), Lines{});
}

TEST_F(Settings, OwnOptions)
{
  fake.files["/own"] = "--history_max=5\n--notables\n--memory_metric=private\n";
  ASSERT_EQ(
      parse({"w", "--state_dir=s", "--runtime-dir", "r", "--flagfile=/own", "--dry_run",
             "--extension_give_up=abandon", "--extension_registration_timeout=30",
             "--unresponsive_timeout=40", "--history_expiry=60", "--grace_limit=150",
             "--memory_metric=resident", "--tables_extension=/t.ext", "--check", "--", "osqueryd"}),
      "");
  EXPECT_EQ(settings->command, WD_COMMAND_CHECK);
  EXPECT_STREQ(settings->state_dir, "s");
  EXPECT_STREQ(settings->runtime_dir, "r");
  EXPECT_EQ(settings->history_max, 5);
  EXPECT_EQ(settings->history_expiry_s, 60);
  EXPECT_FALSE(settings->tables);
  EXPECT_STREQ(settings->tables_extension, "/t.ext");
  EXPECT_TRUE(settings->limits.dry_run);
  EXPECT_EQ(settings->limits.memory_metric, WD_METRIC_RESIDENT);
  EXPECT_EQ(settings->limits.extension_give_up, WD_GIVE_UP_ABANDON);
  EXPECT_EQ(settings->limits.extension_registration_timeout_s, 30);
  EXPECT_EQ(settings->limits.grace_limit_percent, 150);
  EXPECT_EQ(origin("grace_limit"), "150 argv");
  EXPECT_EQ(settings->limits.unresponsive_timeout_s, 40);
  EXPECT_EQ(origin("history_max"), "5 /own:1");
  EXPECT_EQ(origin("tables"), "false /own:2");
  EXPECT_EQ(origin("memory_metric"), "resident argv");
  EXPECT_EQ(origin("check"), "") << "says what to do, and is no setting";
}

TEST_F(Settings, WrongUseIsOneLineThatNamesIt)
{
  fake.files["/own"] = "--history_max 5\n";
  fake.files["/typo"] = "\n--hystory_max=5\n";
  fake.files["/flags"] = "--watchdog_memory_limit=lots\n";
  const std::string missing =
      "argv: expected -- OSQUERYD, the program to supervise, behind the options";
  struct {
    std::initializer_list<const char *> words;
    std::string error;
  } const cases[] = {
      {{"w"}, missing},
      {{"w", "--"}, missing},
      {{"w", "--", ""}, missing},
      {{"w", "--check"}, missing},
      {{"w", "--stat_dir=x", "--", "osqueryd"},
       "argv: --stat_dir: expected one of our options (see --help); osqueryd's flags go behind -- "
       "OSQUERYD"},
      {{"w", "--watchdog_level=1", "--", "osqueryd"},
       "argv: --watchdog_level: expected one of our options (see --help); osqueryd's flags go "
       "behind "
       "-- OSQUERYD"},
      {{"w", "osqueryd"},
       "argv: osqueryd: expected an option; osqueryd and its flags go behind --"},
      {{"w", "--state_dir", "--", "osqueryd"}, "argv: --state_dir: expected a value"},
      {{"w", "--state_dir=", "--", "osqueryd"}, "argv: --state_dir=: expected a path"},
      {{"w", "--runtime_dir=", "--", "osqueryd"}, "argv: --runtime_dir=: expected a path"},
      {{"w", "--memory_metric=rss", "--", "osqueryd"},
       "argv: --memory_metric=rss: expected growth or resident or private"},
      {{"w", "--extension_give_up=no", "--", "osqueryd"},
       "argv: --extension_give_up=no: expected shutdown or abandon"},
      {{"w", "--grace_limit=99", "--", "osqueryd"},
       "argv: --grace_limit=99: expected 0 or a whole number from 100 to 1000"},
      {{"w", "--grace_limit=1001", "--", "osqueryd"},
       "argv: --grace_limit=1001: expected 0 or a whole number from 100 to 1000"},
      {{"w", "--history_max=0", "--", "osqueryd"},
       "argv: --history_max=0: expected a whole number from 1 to 100000000"},
      {{"w", "--history_max=100000001", "--", "osqueryd"},
       "argv: --history_max=100000001: expected a whole number from 1 to 100000000"},
      {{"w", "--history_expiry=0", "--", "osqueryd"},
       "argv: --history_expiry=0: expected a whole number from 1 to 2147483647"},
      {{"w", "--dry_run", "false", "--", "osqueryd"},
       "argv: --dry_run false: the value is ignored: --dry_run needs a '=' before it"},
      {{"w", "--flagfile=/own", "--", "osqueryd"},
       "/own:1: ignored: in a flagfile, --history_max needs a '=' before its value and no blank "
       "before it"},
      {{"w", "--flagfile=/typo", "--", "osqueryd"},
       "/typo:2: --hystory_max: expected one of our options (see --help); osqueryd's flags go "
       "behind "
       "-- OSQUERYD"},
      {{"w", "--", "osqueryd", "--watchdog_utilization_limit=high"},
       "argv: --watchdog_utilization_limit=high: expected a whole number from 0 to "
       "18446744073709551615"},
      {{"w", "--", "osqueryd", "--flagfile=/flags"},
       "/flags:1: --watchdog_memory_limit=lots: expected a whole number from 0 to "
       "18446744073709551615"},
  };
  for (const auto &c : cases) {
    EXPECT_EQ(parse(c.words), c.error);
    EXPECT_EQ(code, WD_SETTINGS_ERROR_USAGE) << c.error;
  }
}

TEST_F(Settings, TheEndsOfARangeAreWithin)
{
  ASSERT_EQ(parse({"w", "--history_max=1", "--history_expiry=2147483647", "--", "osqueryd"}), "");
  ASSERT_EQ(parse({"w", "--history_max=100000000", "--history_expiry=1", "--", "osqueryd"}), "");
}

TEST_F(Settings, AFlagfileThatCannotBeReadIsAFault)
{
  for (auto words : {std::initializer_list<const char *>{"w", "--flagfile=/no", "--", "osqueryd"},
                     {"w", "--", "osqueryd", "--flagfile=/no"},
                     {"w", "--", "osqueryd", "--flagfile", "/no"}}) {
    EXPECT_EQ(parse(words), "argv: flagfile /no: No such file or directory");
    EXPECT_EQ(code, WD_SETTINGS_ERROR_FILE);
  }
}

TEST_F(Settings, HelpAndVersionNeedNoOsqueryd)
{
  ASSERT_EQ(parse({"w", "--help"}), "");
  EXPECT_EQ(settings->command, WD_COMMAND_HELP);
  ASSERT_EQ(parse({"w", "--version", "--", "osqueryd", "--flagfile=/no"}), "");
  EXPECT_EQ(settings->command, WD_COMMAND_VERSION);
  EXPECT_TRUE(fake.read.empty());
}

TEST_F(Settings, HelpTellsEveryOptionWithItsDefault)
{
  ASSERT_EQ(parse({"w", "--", "osqueryd"}), "");
  const std::string help = wd_own_options_help();
  for (guint i = 0; i < settings->origins->len; i++) {
    auto *one = static_cast<WdSetting *>(g_ptr_array_index(settings->origins, i));
    const std::string name = one->name;
    if (name == "watchdog_level")
      break; /* osqueryd's begin */
    const bool negated = name == "tables" || name == "capture_output";
    EXPECT_NE(help.find((negated ? "--no" : "--") + name), std::string::npos) << name;
    if (!negated)
      EXPECT_NE(help.find(one->value), std::string::npos) << name;
  }
}

TEST_F(Settings, OsquerydsArgvStaysAsItIs)
{
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--flagfile=/f,", "--", "--x", "-y", "z"}),
            "argv: flagfile /f: No such file or directory");
  fake.files["/f"] = "";
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--flagfile=/f,", "--", "--x", "-y", "z"}), "");
  g_autofree char *joined = g_strjoinv(" ", settings->osqueryd_argv);
  EXPECT_STREQ(joined, "osqueryd --flagfile=/f, -- --x -y z");
}

TEST_F(Settings, OsquerydsFlags)
{
  fake.files["/f"] = "--watchdog_memory_limit=0x12c\n--watchdog_utilization_limit=150\n"
                     "--enable_extensions_watchdog\n";
  ASSERT_EQ(parse({"w",
                   "--",
                   "/opt/osqueryd",
                   "--watchdog-level=1",
                   "--flagfile=/f",
                   "--watchdog_delay",
                   "0",
                   "--watchdog_max_delay=7",
                   "--watchdog_forced_shutdown_delay=0",
                   "--alarm_timeout=20",
                   "--disable_watchdog",
                   "--enable_watchdog_debug=yes",
                   "--disable_extensions",
                   "--extensions_socket=/s",
                   "--extensions_autoload=/l",
                   "--extensions_timeout=10",
                   "--extensions_interval=1",
                   "--extensions_require=a,b",
                   "--allow_unsafe",
                   "--pidfile=/p",
                   "--force",
                   "--verbose",
                   "--daemonize",
                   "--logger_path=/unknown/to/us"}),
            "");
  const WdLimits &limits = settings->limits;
  EXPECT_EQ(settings->watchdog_level, 1);
  EXPECT_EQ(limits.memory_limit_bytes, 300 * 1024 * 1024);
  EXPECT_EQ(limits.utilization_limit, 100);
  EXPECT_EQ(limits.latency_limit_s, 6);
  EXPECT_EQ(limits.watchdog_delay_s, 0);
  EXPECT_EQ(limits.max_delay_s, 7);
  EXPECT_EQ(limits.forced_shutdown_delay_s, 0);
  EXPECT_EQ(limits.stop_grace_s, 16);
  EXPECT_EQ(origin("alarm_timeout"), "20 argv");
  EXPECT_FALSE(limits.enforce);
  EXPECT_TRUE(limits.enforce_extensions);
  EXPECT_EQ(limits.extensions_timeout_s, 10);
  EXPECT_EQ(limits.extensions_interval_s, 1);
  EXPECT_TRUE(settings->limits.debug);
  EXPECT_FALSE(settings->limits.manager);
  EXPECT_STREQ(settings->extensions_socket, "/s");
  EXPECT_STREQ(settings->extensions_autoload, "/l");
  EXPECT_EQ(origin("extensions_require"), "a,b argv");
  EXPECT_TRUE(settings->allow_unsafe);
  EXPECT_STREQ(settings->pidfile, "/p");
  EXPECT_TRUE(settings->force);
  EXPECT_TRUE(settings->verbose);
  EXPECT_TRUE(settings->daemonize);
  EXPECT_EQ(origin("watchdog_memory_limit"), "0x12c /f:1") << "as the file has it";
  EXPECT_EQ(origin("watchdog_utilization_limit"), "150 /f:2") << "as the file has it";
  EXPECT_EQ(origin("watchdog_latency_limit"), "6 level restrictive");
  EXPECT_EQ(origin("watchdog_level"), "1 argv");
  EXPECT_EQ(origin("respawn_limit"), "4 level restrictive");
  EXPECT_EQ(origin("respawn_delay"), "5 level restrictive");
  EXPECT_EQ(origin("ephemeral"), "false default");
  EXPECT_EQ(origin("flagfile"), "");
}

TEST_F(Settings, AnEphemeralOsquerydHasNoPidfile)
{
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--ephemeral", "--pidfile=/p"}), "");
  EXPECT_EQ(settings->pidfile, nullptr);
}

TEST_F(Settings, GreatTimesStayFarFromOverflow)
{
  ASSERT_EQ(
      parse({"w", "--", "osqueryd", "--watchdog_delay=18446744073709551615",
             "--watchdog_max_delay=18446744073709551615", "--alarm_timeout=18446744073709551615",
             "--watchdog_memory_limit=18446744073709551615",
             "--extensions_timeout=99999999999999999999", "--extensions_interval=-5"}),
      "");
  EXPECT_EQ(settings->limits.watchdog_delay_s, WD_LIMITS_MAX_S);
  EXPECT_EQ(settings->limits.max_delay_s, WD_LIMITS_MAX_S);
  EXPECT_EQ(settings->limits.stop_grace_s, WD_LIMITS_MAX_S - 4);
  EXPECT_EQ(settings->limits.memory_limit_bytes, G_MAXINT64);
  EXPECT_EQ(settings->limits.extensions_timeout_s, WD_LIMITS_MAX_S);
  EXPECT_EQ(settings->limits.extensions_interval_s, 0);
}

TEST_F(Settings, TheStopGraceIsNeverNothing)
{
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--alarm_timeout=0"}), "");
  EXPECT_EQ(settings->limits.stop_grace_s, 1);
}

TEST_F(Settings, TheDefaultFlagfileIsForThoseWithoutOne)
{
  fake.files[WD_OSQUERYD_DEFAULT_FLAGFILE] = "--watchdog_level=1\n";
  fake.files["/f"] = "";
  ASSERT_EQ(parse({"w", "--", "osqueryd"}), "");
  EXPECT_EQ(origin("watchdog_level"), "1 " WD_OSQUERYD_DEFAULT_FLAGFILE ":1");
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--watchdog_level=-1"}), "");
  EXPECT_EQ(origin("watchdog_level"), "-1 argv");
  EXPECT_EQ(settings->watchdog_level, -1);
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--flagfile=/f"}), "");
  EXPECT_EQ(origin("watchdog_level"), "0 default");
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--flagfile", "/f"}), "");
  EXPECT_EQ(origin("watchdog_level"), "0 default");
  ASSERT_EQ(parse({"w", "--", "osqueryd", "-flagfile=/f"}), "");
  EXPECT_EQ(settings->watchdog_level, 1) << "osquery looks for two dashes";
}

TEST_F(Settings, ASocketPathMustLeaveRoomForTheExtensions)
{
  const std::string longest = "--extensions_socket=/" + std::string(100, 's');
  const std::string too_long = longest + "s";
  ASSERT_EQ(parse({"w", "--", "osqueryd", longest.c_str()}), "");
  EXPECT_TRUE(settings->limits.manager);
  EXPECT_EQ(settings->warnings->len, 0u);
  ASSERT_EQ(parse({"w", "--", "osqueryd", too_long.c_str(), "--disable_extensions"}), "");
  EXPECT_FALSE(settings->limits.manager);
  EXPECT_EQ(settings->warnings->len, 0u);
  /* osqueryd runs all the same. */
  ASSERT_EQ(parse({"w", "--", "osqueryd", too_long.c_str()}), "");
  EXPECT_FALSE(settings->limits.manager);
  ASSERT_EQ(settings->warnings->len, 1u);
  EXPECT_EQ(static_cast<const char *>(settings->warnings->pdata[0]),
            "argv: " + too_long +
                ": longer than 101 bytes, so no extension can register and none is started: a "
                "socket's path has room for 107, .65535 behind it included");
}

TEST_F(Settings, WarnsAboutWhatHardlyIsMeant)
{
  fake.files["/f"] = "--watchdog_memory_limt=300\n--watchdog_delay 5\n--logger_plugin=tls\n";
  struct {
    std::initializer_list<const char *> words;
    Lines warnings;
  } const cases[] = {
      {{"w", "--", "/opt/osqueryd/bin/my-osqueryd.sh"}, {}},
      {{"w", "--", "osqueryd", "--alarm_timeout=10", "--watchdog_forced_shutdown_delay=10",
        "--watchdog_level=1"},
       {}},
      {{"w", "--", "osqueryd", "--watchdog_level=-1"}, {}},
      {{"w", "--", "osqueryd", "--alarm_timeout=10", "--watchdog_forced_shutdown_delay=11"},
       {"argv: --watchdog_forced_shutdown_delay=11: longer than --alarm_timeout=10, after which a "
        "worker ends itself"}},
      {{"w", "--", "osqueryd", "--watchdog_level=2"},
       {"argv: --watchdog_level=2: osquery takes any level but -1 and 1 for 0"}},
      {{"w", "--", "osqueryd", "--extensions_timeout=3s"},
       {"argv: --extensions_timeout=3s: no whole number: osqueryd takes it for 3"}},
      {{"w", "--", "osqueryd", "--disable_watchdog", "false"},
       {"argv: --disable_watchdog false: the value is ignored: --disable_watchdog needs a '=' "
        "before "
        "it"}},
      {{"w", "--", "osqueryd", "--flagfile=/f"},
       {"/f:1: --watchdog_memory_limt: ignored: osquery 5.23 has no such flag (did you mean "
        "--watchdog_memory_limit?)",
        "/f:2: ignored: in a flagfile, --watchdog_delay needs a '=' before its value and no blank "
        "before it"}},
  };
  for (const auto &c : cases) {
    EXPECT_EQ(parse(c.words), "");
    EXPECT_EQ(warnings(), c.warnings);
    EXPECT_EQ(lines(settings->faults), Lines{});
  }
}

TEST_F(Settings, WarnsOfAUtilizationThatOsqueryCutsDown)
{
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--watchdog_utilization_limit=100"}), "");
  EXPECT_EQ(warnings(), Lines{});
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--watchdog_utilization_limit=130"}), "");
  EXPECT_EQ(warnings(), Lines{"argv: --watchdog_utilization_limit=130: osquery takes more than 100 "
                              "for 100, which no process can exceed"});
}

TEST_F(Settings, WarnsOfLimitsThatNobodyEnforces)
{
  struct {
    const char *flags;
    Lines warnings;
  } const cases[] = {
      {"--watchdog_memory_limit=300\n", {}},
      {"--disable_watchdog\n", {}},
      {"--disable_watchdog\n--watchdog_memory_limit=0\n--watchdog_level=-1\n", {}},
      {"--disable_watchdog\n--noenable_extensions_watchdog\n--watchdog_delay=7\n", {}},
      {"--disable_watchdog\n--watchdog_level=1\n--disable_watchdog=false\n", {}},
      {"--disable_watchdog=true\n--watchdog_memory_limit=300\n",
       {"/f:2: --watchdog_memory_limit=300: no limit is enforced, because of --disable_watchdog "
        "(/f:1)"}},
      {"--watchdog_utilization_limit=20\n--watchdog_latency_limit=7\n--watchdog_level=1\n"
       "--enable_extensions_watchdog\n--disable_watchdog\n",
       {"/f:3: --watchdog_level=1: no limit is enforced, because of --disable_watchdog (/f:5)",
        "/f:1: --watchdog_utilization_limit=20: no limit is enforced, because of "
        "--disable_watchdog (/f:5)",
        "/f:2: --watchdog_latency_limit=7: no limit is enforced, because of --disable_watchdog "
        "(/f:5)",
        "/f:4: --enable_extensions_watchdog=true: no limit is enforced, because of "
        "--disable_watchdog (/f:5)"}},
  };
  for (const auto &c : cases) {
    fake.files["/f"] = c.flags;
    ASSERT_EQ(parse({"w", "--", "osqueryd", "--flagfile=/f"}), "");
    EXPECT_EQ(warnings(), c.warnings) << c.flags;
  }
}

TEST_F(Settings, WarnsOfMisspeltFlags)
{
  const std::string unknown = "osquery 5.23 has no such flag";
  fake.files["/f"] = "--enable_extension_watchdog=true\n--Watchdog_memory_limit=300\n"
                     "--watchdog_cpus=1\n--profile=5\n--logger_plugin=tls\n"
                     "--noallow_unsave\n--undefok=watchdog_level_x\n--watchdog_level_x=1\n";
  ASSERT_EQ(parse({"w", "--", "osqueryd", "--flagfile=/f", "--profile=5", "--logger_plugin=tls"}),
            "");
  EXPECT_EQ(warnings(), (Lines{"/f:1: --enable_extension_watchdog: ignored: " + unknown +
                                   " (did you mean --enable_extensions_watchdog?)",
                               "/f:2: --Watchdog_memory_limit: ignored: " + unknown +
                                   " (did you mean --watchdog_memory_limit?)",
                               "/f:3: --watchdog_cpus: ignored: " + unknown,
                               "/f:6: --noallow_unsave: ignored: " + unknown +
                                   " (did you mean --allow_unsafe?)"}));
  EXPECT_EQ(lines(settings->faults), Lines{});
}

TEST_F(Settings, ACheckFindsWhatCanNotBeRead)
{
  ASSERT_EQ(parse({"w", "--check", "--", "osqueryd", "--watchdog_delay=x"}), "");
  EXPECT_FALSE(settings->understood);
  EXPECT_EQ(lines(settings->faults), Lines{"argv: --watchdog_delay=x: expected a whole number from "
                                           "0 to 18446744073709551615"});
  EXPECT_EQ(origin("state_dir"), "/var/lib/osquery-watchdog default");
  EXPECT_EQ(origin("watchdog_level"), "");
  ASSERT_EQ(parse({"w", "--check", "--", "osqueryd", "--flagfile=/no"}), "");
  EXPECT_EQ(lines(settings->faults), Lines{"argv: flagfile /no: No such file or directory"});
  ASSERT_EQ(parse({"w", "--check", "--", "osqueryd"}), "");
  EXPECT_TRUE(settings->understood);
  EXPECT_NE(parse({"w", "--check", "--dry_run=x", "--", "osqueryd"}), "") << "our own";
}

/* What osqueryd ignores in a flagfile is fatal to it on its command line. */
TEST_F(Settings, FindsWhatOsquerydRefuses)
{
  struct {
    std::initializer_list<const char *> words;
    Lines faults;
  } const cases[] = {
      {{"w", "--", "osqueryd", "--alarm_timeout=10"}, {}},
      {{"w", "--", "osqueryd", "--alarm_timeout=9"},
       {"argv: --alarm_timeout=9: osqueryd refuses to start with less than 10"}},
      {{"w", "--", "osqueryd", "--watchdog_memory_limits=300", "--no_such_flag=1"},
       {"argv: --watchdog_memory_limits: osqueryd refuses to start: osquery 5.23 has no such flag "
        "(did you mean --watchdog_memory_limit?)"}},
      {{"w", "--", "osqueryd", "--watchdog_cpus", "1"},
       {"argv: --watchdog_cpus: osqueryd refuses to start: osquery 5.23 has no such flag"}},
      {{"w", "--", "osqueryd", "--watchdog_cpus=1", "--nodisable_watchdgo",
        "--undefok=watchdog_cpus,disable_watchdgo"},
       {}},
  };
  for (const auto &c : cases) {
    EXPECT_EQ(parse(c.words), "");
    EXPECT_EQ(lines(settings->faults), c.faults);
    EXPECT_EQ(warnings(), Lines{});
  }
}

} // namespace
