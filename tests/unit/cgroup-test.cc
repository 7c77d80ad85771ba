#include "watchdog/core/kernel/cgroup.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

constexpr const char *kHybrid =
    "9:name=systemd:/\n4:memory:/box/a:b\n1:cpu,cpuacct:/quota\n0::/slice\n";

struct PathCase {
  const char *text;
  const char *controller;
  const char *path;
};

TEST(Cgroup, Path)
{
  const PathCase cases[] = {
      {kHybrid, "memory", "/box/a:b"},
      {kHybrid, "cpu", "/quota"},
      {kHybrid, "cpuacct", "/quota"},
      {kHybrid, "", "/slice"},
      {kHybrid, "pids", nullptr},
      {kHybrid, "mem", nullptr},
      {"0::/", "", "/"},
      {"", "", nullptr},
      {"0::", "", nullptr},
      {"0:/x", "", nullptr},
      {"0::/../up", "", nullptr},
      {"0::/a/../../up", "", nullptr},
      {"0::relative", "", nullptr},
  };
  for (const PathCase &c : cases) {
    g_autofree char *path = wd_cgroup_path(c.text, c.controller);
    EXPECT_STREQ(path, c.path) << c.text << " " << c.controller;
  }
}

struct CounterCase {
  const char *text;
  gint64 value;
};

TEST(Cgroup, Counter)
{
  const CounterCase cases[] = {
      {"low 0\nhigh 0\nmax 0\noom 3\noom_kill 2\n", 2},
      {"oom_kill_disable 0\nunder_oom 0\noom_kill 7", 7},
      {"oom_kill 18446744073709551615\n", -1},
      {"oom_kill -1\n", -1},
      {"oom_kill x\n", -1},
      {"oom_kill", -1},
      {"", -1},
  };
  for (const CounterCase &c : cases)
    EXPECT_EQ(wd_cgroup_counter(c.text, "oom_kill"), c.value) << c.text;
}

TEST(Cgroup, CpuQuota)
{
  const CounterCase cases[] = {
      {"20000 100000\n", 20},
      {"max 100000\n", -1},
      {"300000 100000", 300},
      {"20001 100000", 21}, // above 20
      {"1000 100000", 1},
      {"999 100000", 1},
      {"92233720368547758 1000000", 9223372036855},
      {"100000 0", -1},
      {"", -1},
      {"5", -1},
  };
  for (const CounterCase &c : cases)
    EXPECT_EQ(wd_cgroup_cpu_quota(c.text), c.value) << c.text;
}

TEST(Cgroup, Bytes)
{
  const CounterCase cases[] = {
      {"104857600\n", 104857600},
      {"0\n", 0},
      {"9223372036854771712\n", 9223372036854771712}, // v1's word for none
      {"max\n", -1},
      {"18446744073709551615\n", -1},
      {"-1\n", -1},
      {"12 34\n", -1},
      {"", -1},
  };
  for (const CounterCase &c : cases)
    EXPECT_EQ(wd_cgroup_bytes(c.text), c.value) << c.text;
}

} // namespace
