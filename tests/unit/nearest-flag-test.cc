#include "watchdog/core/settings/nearest-flag.h"

#include <gtest/gtest.h>

#include <string>

namespace
{

const WdFlagSpec SPECS[] = {
    {"watchdog_memory_limit", WD_FLAG_UINT64, "0"},
    {"watchdog_latency_limit", WD_FLAG_UINT64, "0"},
    {"enable_extensions_watchdog", WD_FLAG_BOOL, "false"},
    {"disable_watchdog", WD_FLAG_BOOL, "false"},
    {"pidfile", WD_FLAG_STRING, ""},
    {"force", WD_FLAG_BOOL, "false"},
    {"S", WD_FLAG_BOOL, "false"},
};

std::string
nearest(const std::string &name)
{
  const WdFlagSpec *spec = wd_flag_nearest(SPECS, G_N_ELEMENTS(SPECS), name.c_str());
  return spec != nullptr ? spec->name : "";
}

TEST(NearestFlag, IsTheOneThatIsMeant)
{
  const struct {
    const char *name;
    const char *meant;
  } cases[] = {
      {"watchdog_memory_limits", "watchdog_memory_limit"},
      {"watchdog_memory_limt", "watchdog_memory_limit"},
      {"watchdog_memroy_limit", "watchdog_memory_limit"}, // two letters changed places
      {"watchdog_memorylimit", "watchdog_memory_limit"},
      {"Watchdog_memory_limit", "watchdog_memory_limit"},
      {"WATCHDOG-MEMORY-LIMITS", "watchdog_memory_limit"},
      {"-watchdog_memory_limit", "watchdog_memory_limit"}, // three dashes
      {"watchdog_latncy_limit", "watchdog_latency_limit"},
      {"enable_extension_watchdog", "enable_extensions_watchdog"},
      {"noenable_extension_watchdog", "enable_extensions_watchdog"},
      {"nodisable-watchdgo", "disable_watchdog"},
      {"pid_file", "pidfile"},
      {"forse", "force"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(nearest(c.name), c.meant) << c.name;
}

TEST(NearestFlag, IsNoneForAnotherName)
{
  /* Most are flags that osquery has. */
  for (const char *name : {"profile", "disable_caching", "disable_audit", "watchdog_mem_limt",
                           "watchdog", "limit", "pidfiles_x", "pide_files", "line", "forc_s", "v",
                           "D", "s", "ss", "no", "nos_", "", "-", "nopidfil_"})
    EXPECT_EQ(nearest(name), "") << name;
}

TEST(NearestFlag, TakesNoTimeOverALongName)
{
  EXPECT_EQ(nearest(std::string(1000000, 'w')), "");
}

} // namespace
