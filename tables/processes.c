#include "tables/processes.h"

#include "watchdog/core/settings/limits.h"
#include "watchdog/core/kernel/proc-stat.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A loaded machine may delay a check, and writing its outcome. */
#define SLACK_S 1
#define OVERDUE_US ((3 * WD_CHECK_INTERVAL_S + SLACK_S) * G_USEC_PER_SEC)

gboolean
table_watchdog_lost(TableIdentity identity, gint64 last_check_us, gint64 now_us)
{
  if (identity == TABLE_IDENTITY_GONE)
    return TRUE;
  if (last_check_us == WD_NONE)
    return FALSE;
  /* A check in the future was made before a reboot. */
  return last_check_us > now_us || last_check_us < now_us - OVERDUE_US;
}

TableIdentity
table_process_identity(gint64 pid, gint64 start_ticks)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? TABLE_IDENTITY_GONE : TABLE_IDENTITY_UNKNOWN;
  char text[1024]; /* field 22 ends long before */
  ssize_t length = read(fd, text, sizeof text);
  int read_error = errno;
  (void)close(fd); /* nothing was written */
  if (length < 0)
    return read_error == ESRCH ? TABLE_IDENTITY_GONE : TABLE_IDENTITY_UNKNOWN;
  WdProcStat stat;
  if (!wd_proc_stat_parse(text, (gsize)length, &stat))
    return TABLE_IDENTITY_UNKNOWN;
  gboolean dead = stat.state == 'Z' || stat.state == 'X';
  return dead || stat.start_ticks != start_ticks ? TABLE_IDENTITY_GONE : TABLE_IDENTITY_SAME;
}

static gint64
integer_or_none(sqlite3_value *value)
{
  return sqlite3_value_type(value) == SQLITE_NULL ? WD_NONE : sqlite3_value_int64(value);
}

static void
watchdog_lost(sqlite3_context *context, int n, sqlite3_value **values)
{
  g_assert(n == 3);
  gint64 pid = integer_or_none(values[0]);
  gint64 start_ticks = integer_or_none(values[1]);
  TableIdentity identity = pid == WD_NONE || start_ticks == WD_NONE
                               ? TABLE_IDENTITY_UNKNOWN
                               : table_process_identity(pid, start_ticks);
  sqlite3_result_int(
      context, table_watchdog_lost(identity, integer_or_none(values[2]), g_get_monotonic_time()));
}

int
table_processes_prepare(sqlite3 *db)
{
  return sqlite3_create_function_v2(db, "watchdog_lost", 3, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
                                    watchdog_lost, NULL, NULL, NULL);
}
