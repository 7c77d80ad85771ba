#include "tables/processes.h"

#include "watchdog/core/kernel/proc-stat.h"
#include "watchdog/core/settings/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A loaded machine may delay a check, and writing its outcome. */
#define SLACK_S 1
#define OVERDUE_US ((3 * WD_CHECK_INTERVAL_S + SLACK_S) * G_USEC_PER_SEC)

/* FALSE also where /proc doesn't show it. */
static gboolean
is_gone(gint64 pid, gint64 start_ticks)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT;
  char text[1024]; /* field 22 ends long before */
  ssize_t length = read(fd, text, sizeof text);
  int read_error = errno;
  (void)close(fd); /* nothing was written */
  if (length < 0)
    return read_error == ESRCH;
  WdProcStat stat;
  return wd_proc_stat_parse(text, (gsize)length, &stat) &&
         (stat.state == 'Z' || stat.state == 'X' || stat.start_ticks != start_ticks);
}

static gboolean
is_overdue(gint64 last_check_us)
{
  gint64 now_us = g_get_monotonic_time();
  /* A check in the future was made before a reboot. */
  return last_check_us > now_us || last_check_us < now_us - OVERDUE_US;
}

static gboolean
is_null(sqlite3_value *value)
{
  return sqlite3_value_type(value) == SQLITE_NULL;
}

static void
watchdog_lost(sqlite3_context *context, int n, sqlite3_value **values)
{
  g_assert(n == 3);
  gboolean gone = !is_null(values[0]) && !is_null(values[1]) &&
                  is_gone(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]));
  gboolean overdue = !is_null(values[2]) && is_overdue(sqlite3_value_int64(values[2]));
  sqlite3_result_int(context, gone || overdue);
}

int
table_processes_prepare(sqlite3 *db)
{
  return sqlite3_create_function_v2(db, "watchdog_lost", 3, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
                                    watchdog_lost, NULL, NULL, NULL);
}
