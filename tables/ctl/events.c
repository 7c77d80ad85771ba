#include "tables/ctl/command.h"
#include "tables/ctl/text.h"
#include "watchdog/store/database.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* Asking for what is new takes some 0.1 ms. */
#define POLL_MS 500

/* The columns of watchdog_events that the log shows. */
enum { EID = 0, TIME = 1, EVENT = 3, NAME = 5, PID = 7, MESSAGE = 27 };

static char *
local_time(gint64 time_s)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(time_s);
  return time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S")
                      : g_strdup_printf("%" G_GINT64_FORMAT, time_s);
}

int
ctl_print_log(sqlite3_stmt *stmt, CtlPart part, FILE *out)
{
  (void)part; /* a log has neither header nor end */
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
    g_autofree char *time = local_time(sqlite3_column_int64(stmt, TIME));
    g_autofree char *eid = ctl_visible_value(stmt, EID);
    g_autofree char *event = ctl_visible_value(stmt, EVENT);
    g_autofree char *name = ctl_visible_value(stmt, NAME);
    g_autofree char *pid = ctl_visible_value(stmt, PID);
    g_autofree char *message = ctl_visible_value(stmt, MESSAGE);
    fprintf(out, "%s  %s  %-22s %s%s%s%s%s%s\n", time, eid, event, name, *pid ? "[" : "", pid,
            *pid ? "]" : "", *message ? ": " : "", message);
  }
  return result;
}

/* Prints the events after @from up to @to. */
static gboolean
print_events(const Ctl *ctl, CtlPart part, gint64 from, gint64 to, gint64 oldest_s, GError **error)
{
  g_autoptr(GString) sql = g_string_new("SELECT * FROM watchdog_events WHERE TRUE");
  gint64 numbers[3];
  guint n = 0;
  if (from > 0) {
    g_string_append(sql, " AND eid > ?");
    numbers[n++] = from;
  }
  if (to < G_MAXINT64) {
    g_string_append(sql, " AND eid <= ?");
    numbers[n++] = to;
  }
  if (ctl->options->since_s > 0) {
    g_string_append(sql, " AND time >= ?");
    numbers[n++] = oldest_s;
  }
  if (ctl->options->event != NULL)
    g_string_append(sql, " AND event = ?");

  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql->str, error);
  if (stmt == NULL)
    return FALSE;
  WdBinder binder = {.stmt = stmt};
  for (guint i = 0; i < n; i++)
    wd_bind_integer(&binder, numbers[i]);
  if (ctl->options->event != NULL)
    wd_bind_text(&binder, ctl->options->event);
  CtlPrint print = ctl_printer(ctl->options, ctl_print_log);
  if (binder.result == SQLITE_OK && print(stmt, part, ctl->out) == SQLITE_DONE)
    return TRUE;
  ctl_set_error(ctl, error);
  return FALSE;
}

/* @newest: set to the greatest eid above @seen, or to 0. */
static gboolean
find_newest(const Ctl *ctl, sqlite3_stmt *stmt, gint64 seen, gint64 *newest, GError **error)
{
  gboolean found =
      sqlite3_bind_int64(stmt, 1, seen) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
  if (found)
    *newest = sqlite3_column_int64(stmt, 0);
  else
    ctl_set_error(ctl, error);
  (void)sqlite3_reset(stmt); /* repeats what the step said */
  return found;
}

/* Waits for the next look. Returns: FALSE when nobody reads our output any more. */
static gboolean
wait_for_more(FILE *out)
{
  struct pollfd output = {.fd = fileno(out)};
  return poll(&output, 1, POLL_MS) <= 0; /* without events only a hang-up or an error is reported */
}

/* One writer appends the events in the order of their eids, so that asking for greater ones misses
 * none; the upper bound keeps those of one look together. */
static gboolean
follow(const Ctl *ctl, gint64 oldest_s, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt =
      ctl_prepare(ctl, "SELECT max(eid) FROM watchdog_events WHERE eid > ?", error);
  if (stmt == NULL)
    return FALSE;
  gint64 seen = 0;
  gint64 newest = 0;
  do {
    if (!find_newest(ctl, stmt, seen, &newest, error))
      return FALSE;
    if (newest > seen) {
      CtlPart part = seen == 0 ? CTL_PART_FIRST : CTL_PART_NEXT;
      if (!print_events(ctl, part, seen, newest, oldest_s, error))
        return FALSE;
      seen = newest;
    }
  } while (fflush(ctl->out) == 0 && wait_for_more(ctl->out));
  return TRUE;
}

static void
leave(int signal)
{
  (void)signal;
  _exit(0);
}

gboolean
ctl_events(const Ctl *ctl, GError **error)
{
  const char *path = table_store_path(ctl->store, table_definition_find("watchdog_events"));
  struct stat info;
  if (stat(path, &info) < 0) {
    g_set_error(error, WD_HISTORY_ERROR, WD_HISTORY_ERROR_MISSING, "%s: %s", path,
                g_strerror(errno));
    return FALSE;
  }
  gint64 oldest_s = g_get_real_time() / G_USEC_PER_SEC - ctl->options->since_s;
  if (!ctl->options->follow)
    return print_events(ctl, CTL_PART_WHOLE, 0, G_MAXINT64, oldest_s, error);
  /* All that was printed is flushed by then, and there is nothing to clean up. */
  const struct sigaction action = {.sa_handler = leave};
  (void)sigaction(SIGINT, &action, NULL); /* fails for no signal number that exists */
  return follow(ctl, oldest_s, error);
}
