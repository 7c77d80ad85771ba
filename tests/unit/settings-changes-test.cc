// What is in effect, as a start and as reloads leave it.
#include "watchdog/core/settings/settings-changes.h"

#include "tests/unit/settings-io.h"
#include "watchdog/core/event/setting.h"
#include "watchdog/core/settings/settings-parse.h"

#include <gtest/gtest.h>

namespace
{

class SettingsChanges : public testing::Test
{
protected:
  // What is in effect after @words were read, from what was in effect @before; takes that.
  static GPtrArray *in_effect(GPtrArray *before, std::initializer_list<const char *> words)
  {
    FakeIo fake;
    WdSettingsIo io = fake.io();
    g_autoptr(WdSettings) settings = wd_settings_parse(Argv(words).get(), 2, &io, nullptr);
    EXPECT_NE(settings, nullptr);
    GPtrArray *result = wd_settings_in_effect(before, settings, "/opt/osqueryd");
    EXPECT_EQ(result->len, settings->origins->len + 1);
    g_clear_pointer(&before, g_ptr_array_unref);
    return result;
  }

  static std::string row(const GPtrArray *settings, const char *name)
  {
    std::string found;
    for (guint i = 0; i < settings->len; i++) {
      auto *setting = static_cast<const WdSetting *>(g_ptr_array_index(settings, i));
      if (g_str_equal(setting->name, name))
        found += std::string(setting->value) + "|" + setting->source;
    }
    return found;
  }
};

TEST_F(SettingsChanges, AllThatAStartReadIsInEffect)
{
  g_autoptr(GPtrArray) now =
      in_effect(nullptr, {"w", "--history_max=7", "--", "osqueryd", "--watchdog-memory-limit=0x20",
                          "--pidfile=/a\nb"});
  EXPECT_EQ(row(now, "osqueryd"), "/opt/osqueryd|PATH");
  EXPECT_EQ(row(now, "history_max"), "7|argv");
  EXPECT_EQ(row(now, "watchdog_memory_limit"), "0x20|argv");
  EXPECT_EQ(row(now, "watchdog_latency_limit"), "12|level normal");
  EXPECT_EQ(row(now, "pidfile"), "/a?b|argv");
  g_autoptr(GPtrArray) other = in_effect(nullptr, {"w", "--", "/bin/osqueryd"});
  EXPECT_EQ(row(other, "osqueryd"), "/opt/osqueryd|argv");
}

TEST_F(SettingsChanges, AReloadChangesWhatItCan)
{
  GPtrArray *before = in_effect(nullptr, {"w", "--history_max=7", "--", "osqueryd",
                                          "--watchdog_memory_limit=20", "--pidfile=/a"});
  GPtrArray *now = in_effect(before, {"w", "--history_max=8", "--dry_run", "--", "osqueryd",
                                      "--watchdog_level=1", "--pidfile=/b", "--verbose"});
  EXPECT_EQ(row(now, "history_max"), "7|argv");
  EXPECT_EQ(row(now, "pidfile"), "/a|argv");
  EXPECT_EQ(row(now, "dry_run"), "true|argv");
  EXPECT_EQ(row(now, "watchdog_memory_limit"), "100|level restrictive");
  // And the next one goes on from there.
  g_autoptr(GPtrArray) then = in_effect(now, {"w", "--", "osqueryd", "--watchdog_memory_limit=30"});
  EXPECT_EQ(row(then, "history_max"), "7|argv");
  EXPECT_EQ(row(then, "pidfile"), "/a|argv");
  EXPECT_EQ(row(then, "dry_run"), "false|default");
  EXPECT_EQ(row(then, "watchdog_memory_limit"), "30|argv");
}

} // namespace
