/* Each of osqueryd's flags that the watchdog reads: its default, and every way to give it. */
#include "watchdog/core/settings/osqueryd-flags.h"
#include "watchdog/core/settings/settings-parse.h"

#include "tests/unit/settings-io.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace
{

struct Flag {
  const char *name;
  const char *by_default; /* as --check shows it; "" for what isn't set */
  const char *source;     /* of the default */
  const char *given;      /* NULL: a switch, false by default */
  const char *shown;      /* when it is given */
};

const Flag FLAGS[] = {
    {"watchdog_level", "0", "default", "1", "1"},
    {"watchdog_memory_limit", "200", "level normal", "300", "300"},
    {"watchdog_utilization_limit", "10", "level normal", "20", "20"},
    {"watchdog_latency_limit", "12", "level normal", "30", "30"},
    {"watchdog_delay", "60", "default", "5", "5"},
    {"watchdog_max_delay", "600", "default", "60", "60"},
    {"watchdog_forced_shutdown_delay", "4", "default", "0", "0"},
    {"enable_extensions_watchdog", "false", "default", nullptr, "true"},
    {"disable_watchdog", "false", "default", nullptr, "true"},
    {"enable_watchdog_debug", "false", "default", nullptr, "true"},
    {"alarm_timeout", "15", "default", "20", "20"},
    {"disable_extensions", "false", "default", nullptr, "true"},
    {"extensions_socket", "/var/osquery/osquery.em", "default", "/s", "/s"},
    {"extensions_autoload", "/etc/osquery/extensions.load", "default", "/l", "/l"},
    {"extensions_timeout", "3", "default", "10", "10"},
    {"extensions_interval", "3", "default", "1", "1"},
    {"extensions_require", "", "default", "a,b", "a,b"},
    {"allow_unsafe", "false", "default", nullptr, "true"},
    {"pidfile", "/var/run/osqueryd.pidfile", "default", "/p", "/p"},
    {"force", "false", "default", nullptr, "true"},
    {"ephemeral", "false", "default", nullptr, "true"},
    {"verbose", "false", "default", nullptr, "true"},
    {"daemonize", "false", "default", nullptr, "true"},
    {"schedule_lognames", "false", "default", nullptr, "true"},
    {"distributed_loginfo", "false", "default", nullptr, "true"},
    {"logger_plugin", "filesystem", "default", "tls", "tls"},
    {"logger_stderr", "true", "default", "false", "false"},
    {"logger_min_stderr", "0", "default", "1", "1"},
    {"logger_min_status", "0", "default", "2", "2"},
};

class OsquerydFlags : public testing::Test
{
protected:
  /* "VALUE SOURCE" of @name when osqueryd is started with these words. */
  std::string effective(std::initializer_list<const char *> words, const char *name)
  {
    g_autoptr(GError) error = nullptr;
    WdSettingsIo io = fake.io();
    WdSettings *settings = wd_settings_parse(Argv(words).get(), 2, &io, &error);
    if (error != nullptr)
      return error->message;
    std::string found = "not shown";
    for (guint i = 0; i < settings->origins->len; i++) {
      auto *one = static_cast<WdSetting *>(g_ptr_array_index(settings->origins, i));
      if (strcmp(one->name, name) == 0)
        found = std::string(one->value) + " " + one->source;
    }
    wd_settings_free(settings);
    return found;
  }

  FakeIo fake;
};

TEST_F(OsquerydFlags, HaveOsquerysDefaults)
{
  for (const Flag &flag : FLAGS)
    EXPECT_EQ(effective({"w", "--", "osqueryd"}, flag.name),
              std::string(flag.by_default) + " " + flag.source)
        << flag.name;
}

TEST_F(OsquerydFlags, AreTakenFromTheCommandLineAndFromAFlagfile)
{
  for (const Flag &flag : FLAGS) {
    const std::string word = std::string("--") + flag.name + (flag.given != nullptr ? "=" : "") +
                             (flag.given != nullptr ? flag.given : "");
    fake.files["/f"] = "# first\n" + word + "\n";
    EXPECT_EQ(effective({"w", "--", "osqueryd", word.c_str()}, flag.name),
              std::string(flag.shown) + " argv")
        << word;
    EXPECT_EQ(effective({"w", "--", "osqueryd", "--flagfile=/f"}, flag.name),
              std::string(flag.shown) + " /f:2")
        << word;
    /* Nobody else's are taken for them. */
    EXPECT_EQ(effective({"w", "--", "osqueryd", ("--x" + word.substr(2)).c_str()}, flag.name),
              std::string(flag.by_default) + " " + flag.source)
        << word;
  }
}

TEST_F(OsquerydFlags, SwitchesCanBeSwitchedOffAgain)
{
  for (const Flag &flag : FLAGS) {
    if (flag.given != nullptr)
      continue;
    const std::string name = flag.name;
    for (const std::string &off : {"--no" + name, "--" + name + "=false", "-" + name + "=0"}) {
      EXPECT_EQ(effective({"w", "--", "osqueryd", ("--" + name).c_str(), off.c_str()}, flag.name),
                "false argv")
          << off;
    }
  }
}

/* A value above zero overrides the level. */
TEST_F(OsquerydFlags, ZeroLeavesALimitToTheLevel)
{
  struct {
    const char *name;
    const char *normal;
    const char *restrictive;
    const char *high;
  } const limits[] = {
      {"watchdog_memory_limit", "200", "100", "10000"},
      {"watchdog_utilization_limit", "10", "5", "100"},
      {"watchdog_latency_limit", "12", "6", "1000"},
      {"respawn_limit", "4", "4", "1000"},
      {"respawn_delay", "5", "5", "1"},
  };
  for (const auto &limit : limits) {
    const std::string zero = std::string("--") + limit.name + "=0";
    EXPECT_EQ(effective({"w", "--", "osqueryd", zero.c_str()}, limit.name),
              std::string(limit.normal) + " level normal");
    EXPECT_EQ(effective({"w", "--", "osqueryd", "--watchdog_level=1", zero.c_str()}, limit.name),
              std::string(limit.restrictive) + " level restrictive");
    EXPECT_EQ(effective({"w", "--", "osqueryd", zero.c_str(), "--watchdog_level=-1"}, limit.name),
              std::string(limit.high) + " level -1");
  }
}

/* Very high limits, but limits; off is another flag. */
TEST_F(OsquerydFlags, LevelMinusOneIsNotOff)
{
  struct {
    const char *word;
    gboolean enforce;
  } const cases[] = {{"--watchdog_level=-1", TRUE},
                     {"--watchdog_level=1", TRUE},
                     {"--disable_watchdog", FALSE},
                     {"--nodisable_watchdog", TRUE}};
  for (const auto &c : cases) {
    g_autoptr(GError) error = nullptr;
    WdSettingsIo io = fake.io();
    WdSettings *settings =
        wd_settings_parse(Argv({"w", "--", "osqueryd", c.word}).get(), 2, &io, &error);
    ASSERT_EQ(error, nullptr);
    EXPECT_EQ(settings->limits.enforce, c.enforce) << c.word;
    wd_settings_free(settings);
  }
}

TEST(OsquerydLimits, AreThoseThatAWorkerAnswers)
{
  g_autoptr(GHashTable) options = g_hash_table_new(g_str_hash, g_str_equal);
  const char *const values[][2] = {
      {"watchdog_level", "1"},
      {"watchdog_memory_limit", "0"},
      {"watchdog_utilization_limit", "7"},
      {"watchdog_latency_limit", "0"},
      {"watchdog_delay", "60"},
      {"watchdog_forced_shutdown_delay", "4"},
      {"disable_watchdog", "false"},
      {"enable_extensions_watchdog", "true"},
  };
  WdLimits limits = {};
  for (const auto &value : values) {
    EXPECT_FALSE(wd_limits_from_options(options, 2, &limits));
    EXPECT_EQ(limits.cpus, 0u);
    g_hash_table_insert(options, (gpointer)value[0], (gpointer)value[1]);
  }
  ASSERT_TRUE(wd_limits_from_options(options, 2, &limits));
  EXPECT_EQ(limits.memory_limit_bytes, 100 * 1024 * 1024);
  EXPECT_EQ(limits.utilization_limit, 7);
  EXPECT_EQ(limits.latency_limit_s, 6);
  EXPECT_EQ(limits.watchdog_delay_s, 60);
  EXPECT_TRUE(limits.enforce && limits.enforce_extensions);
  EXPECT_EQ(limits.cpus, 2u);
  EXPECT_EQ(limits.max_delay_s, 600); // a hidden flag
  g_hash_table_insert(options, (gpointer) "watchdog_max_delay", (gpointer) "20");
  ASSERT_TRUE(wd_limits_from_options(options, 2, &limits));
  EXPECT_EQ(limits.max_delay_s, 20);
  for (const char *bad : {"", "x", "-1", "99999999999999999999"}) {
    g_hash_table_insert(options, (gpointer) "watchdog_delay", (gpointer)bad);
    EXPECT_FALSE(wd_limits_from_options(options, 2, &limits)) << bad;
  }
}

} // namespace
