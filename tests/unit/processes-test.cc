#include "tables/processes.h"

#include "watchdog/core/event/event.h"
#include "watchdog/core/kernel/proc-stat.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;

TEST(Processes, AWatchdogIsLostWhenGoneOrOverdue)
{
  const struct {
    TableIdentity identity;
    gint64 last_check_us;
    bool lost;
  } cases[] = {
      // now: 100 s
      {TABLE_IDENTITY_SAME, 100 * second, false},
      {TABLE_IDENTITY_SAME, 90 * second, false},
      {TABLE_IDENTITY_SAME, 90 * second - 1, true},
      {TABLE_IDENTITY_SAME, WD_NONE, false},
      {TABLE_IDENTITY_SAME, 100 * second + 1, true},
      {TABLE_IDENTITY_UNKNOWN, 99 * second, false},
      {TABLE_IDENTITY_UNKNOWN, 0, true},
      {TABLE_IDENTITY_GONE, 100 * second, true},
      {TABLE_IDENTITY_GONE, WD_NONE, true},
  };
  for (const auto &c : cases)
    EXPECT_EQ(table_watchdog_lost(c.identity, c.last_check_us, 100 * second), c.lost)
        << c.identity << " " << c.last_check_us;
}

gint64
start_ticks(pid_t pid)
{
  g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
  g_autofree char *text = nullptr;
  gsize length;
  WdProcStat stat;
  EXPECT_TRUE(g_file_get_contents(path, &text, &length, nullptr));
  EXPECT_TRUE(wd_proc_stat_parse(text, length, &stat));
  return stat.start_ticks;
}

TEST(Processes, APidIsTheSameProcessOnlyWithItsStart)
{
  gint64 ticks = start_ticks(getpid());
  EXPECT_EQ(table_process_identity(getpid(), ticks), TABLE_IDENTITY_SAME);
  EXPECT_EQ(table_process_identity(getpid(), ticks + 1), TABLE_IDENTITY_GONE);
  EXPECT_EQ(table_process_identity(G_MAXINT32, ticks), TABLE_IDENTITY_GONE);
}

TEST(Processes, AZombieIsGone)
{
  pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0)
    _exit(0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(table_process_identity(pid, start_ticks(pid)), TABLE_IDENTITY_GONE);
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
}

} // namespace
