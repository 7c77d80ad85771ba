#include "tables/processes.h"

#include "watchdog/core/event/event.h"
#include "watchdog/core/kernel/proc-stat.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

constexpr gint64 second = G_USEC_PER_SEC;

// What the SQL function says of the process, -1 on failure; WD_NONE is passed as NULL.
int
lost(gint64 pid, gint64 start_ticks, gint64 last_check_us)
{
  sqlite3 *db = nullptr;
  sqlite3_stmt *stmt = nullptr;
  EXPECT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  EXPECT_EQ(table_processes_prepare(db), SQLITE_OK);
  EXPECT_EQ(sqlite3_prepare_v2(db, "SELECT watchdog_lost(?, ?, ?)", -1, &stmt, nullptr), SQLITE_OK);
  int parameter = 1;
  for (gint64 value : {pid, start_ticks, last_check_us}) {
    if (value != WD_NONE)
      EXPECT_EQ(sqlite3_bind_int64(stmt, parameter, value), SQLITE_OK);
    parameter++;
  }
  int result = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int(stmt, 0) : -1;
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return result;
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

TEST(Processes, AWatchdogIsLostWhenGoneOrOverdue)
{
  const gint64 ticks = start_ticks(getpid());
  const gint64 now_us = g_get_monotonic_time();
  const struct {
    gint64 pid;
    gint64 start_ticks;
    gint64 last_check_us;
    int lost;
  } cases[] = {
      {getpid(), ticks, now_us, 0},
      {getpid(), ticks, now_us - 10 * second - 1, 1},
      {getpid(), ticks, WD_NONE, 0},
      {getpid(), ticks, now_us + 600 * second, 1},
      {WD_NONE, ticks, now_us - second, 0},
      {getpid(), WD_NONE, now_us - second, 0},
      {WD_NONE, WD_NONE, now_us - 10 * second - 1, 1},
      {getpid(), ticks + 1, now_us, 1},
      {getpid(), ticks + 1, WD_NONE, 1},
      {G_MAXINT32, ticks, now_us, 1},
      {G_MAXINT32, ticks, WD_NONE, 1},
  };
  for (const auto &c : cases)
    EXPECT_EQ(lost(c.pid, c.start_ticks, c.last_check_us), c.lost)
        << c.pid << " " << c.start_ticks << " " << c.last_check_us;
}

TEST(Processes, ACheckMayBeTenSecondsOld)
{
  const gint64 ticks = start_ticks(getpid());
  gint64 bound_us = 0;
  int result = -1;
  do { // until the question was put in time
    bound_us = g_get_monotonic_time() + second / 50;
    result = lost(getpid(), ticks, bound_us - 10 * second);
  } while (g_get_monotonic_time() > bound_us);
  EXPECT_EQ(result, 0);
}

TEST(Processes, AZombieIsGone)
{
  pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0)
    _exit(0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(lost(pid, start_ticks(pid), WD_NONE), 1);
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
}

} // namespace
