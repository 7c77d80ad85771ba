#include "watchdog/core/settings/group-caps.h"

#include <gtest/gtest.h>

#include <string>

namespace
{

constexpr gint64 kMb = 1024 * 1024;

TEST(GroupCaps, TheLowestApplies)
{
  g_auto(WdGroupCaps) caps;
  wd_group_caps_init(&caps);
  EXPECT_EQ(caps.cpu_percent.amount, -1);
  EXPECT_EQ(caps.memory_bytes.amount, -1);
  const struct {
    gint64 amount;
    const char *file;
    gint64 lowest;
    const char *lowest_file;
  } steps[] = {
      {-1, "none", -1, nullptr}, {50, "a", 50, "a"}, {60, "b", 50, "a"}, {50, "c", 50, "a"},
      {-1, "none", 50, "a"},     {40, "d", 40, "d"}, {0, "e", 0, "e"},
  };
  for (const auto &step : steps) {
    wd_group_cap_lower(&caps.memory_bytes, step.amount, step.file);
    EXPECT_EQ(caps.memory_bytes.amount, step.lowest);
    EXPECT_STREQ(caps.memory_bytes.file, step.lowest_file);
  }
}

/* With a CPU limit of @utilization % of four CPUs, and a memory limit of 200 MB. */
std::string
warnings(gint64 utilization, gboolean enforce, gint64 cpu_percent, gint64 memory_bytes)
{
  g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
  g_auto(WdGroupCaps) caps;
  wd_group_caps_init(&caps);
  wd_group_cap_lower(&caps.cpu_percent, cpu_percent, "/c");
  wd_group_cap_lower(&caps.memory_bytes, memory_bytes, "/m");
  WdLimits limits = {};
  limits.enforce = enforce;
  limits.utilization_limit = utilization;
  limits.memory_limit_bytes = 200 * kMb;
  limits.cpus = 4;
  wd_group_caps_warn(&caps, &limits, lines);
  std::string all;
  for (guint i = 0; i < lines->len; i++)
    all += std::string(static_cast<const char *>(g_ptr_array_index(lines, i))) + "\n";
  return all;
}

TEST(GroupCaps, WarnOfLimitsThatCanNotBeExceeded)
{
  const std::string cpu = "the CPU quota of our control group, ";
  const std::string memory = "the memory limit of our control group, ";
  const struct {
    gint64 utilization;
    gboolean enforce;
    gint64 cpu_percent;
    gint64 memory_bytes;
    std::string warnings;
  } cases[] = {
      {10, TRUE, -1, -1, ""},
      {10, TRUE, 41, 200 * kMb + 1, ""},
      {10, TRUE, 40, -1,
       cpu + "40% of one CPU (/c), isn't above the CPU limit of 10% of 4 CPUs (40% of one): the "
             "limit can't be exceeded\n"},
      {10, TRUE, 1, -1,
       cpu + "1% of one CPU (/c), isn't above the CPU limit of 10% of 4 CPUs (40% of one): the "
             "limit can't be exceeded\n"},
      {10, TRUE, -1, 200 * kMb,
       memory + "200 MB (/m), isn't above the memory limit of one process, 200 MB: the kernel acts "
                "before the watchdog\n"},
      {10, TRUE, -1, 0,
       memory + "0 MB (/m), isn't above the memory limit of one process, 200 MB: the kernel acts "
                "before the watchdog\n"},
      {99, TRUE, 396, -1,
       cpu + "396% of one CPU (/c), isn't above the CPU limit of 99% of 4 CPUs (396% of one): the "
             "limit can't be exceeded\n"},
      {100, TRUE, 100, -1, ""}, // nothing exceeds that anyhow
      {10, FALSE, 1, 1, ""},    // nothing is enforced
  };
  for (const auto &c : cases)
    EXPECT_EQ(warnings(c.utilization, c.enforce, c.cpu_percent, c.memory_bytes), c.warnings)
        << c.cpu_percent << " " << c.memory_bytes;
}

} // namespace
