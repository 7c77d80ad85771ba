#include "watchdog/core/kernel/proc-stat.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace
{

const char AFTER_NAME[] = " S 1 4240 4242 0 -1 4194560 100 200 3 4 567 89 11 12 20 0 7 0 "
                          "123456 104857600 2560 18446744073709551615 1 1 0 0\n";

gboolean
parse(const std::string &text, WdProcStat *stat)
{
  /* A heap copy without a terminator: a read past the end is seen by the sanitizer. */
  std::vector<char> bytes(text.begin(), text.end());
  return wd_proc_stat_parse(bytes.data(), bytes.size(), stat);
}

TEST(ProcStat, ReadsEveryField)
{
  WdProcStat stat;
  ASSERT_TRUE(parse(std::string("4242 (osqueryd)") + AFTER_NAME, &stat));
  EXPECT_EQ(stat.pid, 4242);
  EXPECT_EQ(stat.state, 'S');
  EXPECT_EQ(stat.ppid, 1);
  EXPECT_EQ(stat.pgrp, 4240);
  EXPECT_EQ(stat.user_ticks, 567);
  EXPECT_EQ(stat.system_ticks, 89);
  EXPECT_EQ(stat.threads, 7);
  EXPECT_EQ(stat.start_ticks, 123456);
  EXPECT_EQ(stat.resident_pages, 2560);
}

TEST(ProcStat, NameMayHoldAnything)
{
  for (const char *name : {"", " ", ")", "(", ") S 1 (", "a b c", "a\nb", ") R 9 9 9 9", "((()))",
                           "longer than the kernel's names"}) {
    WdProcStat stat;
    ASSERT_TRUE(parse(std::string("4242 (") + name + ")" + AFTER_NAME, &stat)) << name;
    EXPECT_EQ(stat.name, std::string(name).substr(0, 15)) << name;
    EXPECT_EQ(stat.ppid, 1) << name;
    EXPECT_EQ(stat.start_ticks, 123456) << name;
  }
}

TEST(ProcStat, KnowsWhetherAProgramWasExecuted)
{
  struct {
    const char *text;
    gboolean forked_only;
  } const rows[] = {
      {"9 (x) S 8 9 9 0 -1 4194624 0 0 0 0 1 2 0 0 20 0 1 0 77 0 0 184467 0", TRUE},
      {"9 (x) Z 8 9 9 0 -1 4228172 0 0 0 0 1 2 0 0 20 0 1 0 77 0 0 184467 0", TRUE},
      {"9 (x) S 8 9 9 0 -1 4194560 0 0 0 0 1 2 0 0 20 0 1 0 77 0 0 184467 0", FALSE},
      {"9 (x) Z 8 9 9 0 -1 4227084 0 0 0 0 1 2 0 0 20 0 1 0 77 0 0 184467 0", FALSE},
  };
  for (const auto &row : rows) {
    WdProcStat stat;
    ASSERT_TRUE(parse(row.text, &stat)) << row.text;
    EXPECT_EQ(stat.forked_only, row.forked_only) << row.text;
  }
}

/* Between its exit and its end the kernel tells no group, no thread, no memory. */
TEST(ProcStat, DeadProcessHasNothing)
{
  WdProcStat stat;
  ASSERT_TRUE(parse("9 (x) X 0 -1 -1 0 -1 4 0 0 0 0 0 0 0 0 20 0 0 0 0 0 0 184467 0", &stat));
  EXPECT_EQ(stat.pgrp, -1);
  EXPECT_EQ(stat.threads, 0);
}

TEST(ProcStat, ZombieHasNoMemory)
{
  WdProcStat stat;
  ASSERT_TRUE(parse("9 (x) Z 8 9 9 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 0 184467 0", &stat));
  EXPECT_EQ(stat.state, 'Z');
  EXPECT_EQ(stat.resident_pages, 0);
}

TEST(ProcStat, CutAnywhereIsRefusedAndLeavesTheOutputAlone)
{
  const std::string whole = std::string("4242 (osqueryd)") + AFTER_NAME;
  const std::size_t needed = whole.find("2560 ") + strlen("2560 ");
  WdProcStat before; /* padding included */
  memset(&before, 0x5a, sizeof before);
  for (std::size_t length = 0; length <= whole.size(); length++) {
    WdProcStat stat;
    memcpy(&stat, &before, sizeof stat);
    ASSERT_EQ(parse(whole.substr(0, length), &stat), length >= needed) << length;
    if (length < needed)
      EXPECT_EQ(memcmp(&stat, &before, sizeof stat), 0) << length;
  }
}

TEST(ProcStat, BadValuesAreRefused)
{
  const char *const bad[] = {
      "",
      "\n",
      "x (n) S 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 5 0",
      "0 (n) S 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 5 0",
      "-3 (n) S 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 5 0",
      "9 (n) 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 5 0",
      "9 (n) S x 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 5 0",
      "9 (n) S 1 1 1 0 -1 4 0 0 0 0 -1 2 0 0 20 0 1 0 77 0 5 0",
      "9 (n) S 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 -5 0",
      "9 (n) S 1 1 1 0 -1 4 0 0 0 0 9223372036854775808 2 0 0 20 0 1 0 77 0 5 0",
      "9 (n) S 1 1 1 0 -1 4 0 0 0 0 99999999999999999999999 2 0 0 20 0 1 0 77 0 5 0",
      "9 (n) S 1 1 1 0 -1 4 0 0 0 0 1,2 2 0 0 20 0 1 0 77 0 5 0",
      "9 n) S 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 5 0",
      "9 (n S 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 77 0 5 0",
  };
  for (const char *text : bad) {
    WdProcStat stat;
    EXPECT_FALSE(parse(text, &stat)) << text;
  }
}

TEST(ProcStat, GreatestValueStillFits)
{
  WdProcStat stat;
  ASSERT_TRUE(
      parse("9 (n) S 1 1 1 0 -1 4 0 0 0 0 9223372036854775807 2 0 0 20 0 1 0 77 0 5 0", &stat));
  EXPECT_EQ(stat.user_ticks, G_MAXINT64);
}

gboolean
parse_memory(const std::string &text, WdProcMemory *memory)
{
  std::vector<char> bytes(text.begin(), text.end());
  return wd_proc_memory_parse(bytes.data(), bytes.size(), memory);
}

TEST(ProcMemory, ReadsItsLines)
{
  WdProcMemory memory;
  ASSERT_TRUE(
      parse_memory("Name:\tosqueryd\nVmPeak:\t  9 kB\nVmRSS:\t  60 kB\nRssAnon:\t      10 kB\n"
                   "RssFile:\t      20 kB\nRssShmem:\t      30 kB\nVmSwap:\t       4 kB\n"
                   "Threads:\t5\nSigQ:\t0/1\n",
                   &memory));
  EXPECT_EQ(memory.anon_bytes, 10 * 1024);
  EXPECT_EQ(memory.file_bytes, 20 * 1024);
  EXPECT_EQ(memory.shmem_bytes, 30 * 1024);
  EXPECT_EQ(memory.swap_bytes, 4 * 1024);
  EXPECT_EQ(memory.threads, 5);
}

TEST(ProcMemory, MissingLinesAreAbsent)
{
  WdProcMemory memory;
  /* The kernel writes a newline in a name as two characters, so no name can make a line. */
  ASSERT_TRUE(
      parse_memory("Name:\tx\\nRssAnon:\t7 kB\nState:\tZ (zombie)\nThreads:\t1\n", &memory));
  EXPECT_EQ(memory.anon_bytes, WD_NONE);
  EXPECT_EQ(memory.swap_bytes, WD_NONE);
  EXPECT_EQ(memory.threads, 1);
  ASSERT_TRUE(parse_memory("", &memory));
  EXPECT_EQ(memory.threads, WD_NONE);
}

TEST(ProcMemory, BadLinesAreRefusedAndLeaveTheOutputAlone)
{
  for (const char *text :
       {"RssAnon:\t10 kB", "RssAnon:\t10\n", "RssAnon:\t10 MB\n", "RssAnon:\tkB\n", "RssAnon:\n",
        "RssAnon:\t-1 kB\n", "RssAnon:\t10 kB \n", "VmSwap:\t9007199254740992 kB\n",
        "VmSwap:\t99999999999999999999 kB\n", "Threads:\t5 kB\n", "Threads:\t\n", "Threads:\t5"}) {
    WdProcMemory memory = {1, 2, 3, 4, 5};
    EXPECT_FALSE(parse_memory(text, &memory)) << text;
    EXPECT_EQ(memory.anon_bytes, 1) << text;
    EXPECT_EQ(memory.threads, 5) << text;
  }
}

TEST(ProcSchedstat, CpuTimeInMilliseconds)
{
  const struct {
    const char *text;
    gint64 cpu_ms;
  } cases[] = {
      {"0 0 0\n", 0},
      {"999999 7 3\n", 0},
      {"1000000 7 3\n", 1},
      {"9223372036854775807 0 0\n", 9223372036854},
      {"9223372036854775808 0 0\n", WD_NONE},
      {"-1 0 0\n", WD_NONE},
      {"12", WD_NONE}, // cut short
      {" 12", WD_NONE},
      {"", WD_NONE},
  };
  for (const auto &c : cases)
    EXPECT_EQ(wd_proc_schedstat_cpu_ms(c.text, strlen(c.text)), c.cpu_ms) << c.text;
}

} // namespace
