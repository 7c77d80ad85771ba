#include "tables/ctl/events.h"

#include "tables/ctl/print/event-log.h"
#include "watchdog/store/database.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* Each look for new events takes some 0.1 ms. */
#define POLL_MS 500

/* The events after @from up to @to. */
static gboolean
print_events(const Ctl *ctl, CtlPart part, gint64 from, gint64 to, gint64 oldest_s, GError **error)
{
  g_autoptr(GString) sql = g_string_new("SELECT * FROM watchdog_events WHERE TRUE");
  if (from > 0)
    g_string_append_printf(sql, " AND eid > %" G_GINT64_FORMAT, from);
  if (to < G_MAXINT64)
    g_string_append_printf(sql, " AND eid <= %" G_GINT64_FORMAT, to);
  if (ctl->options->since_s > 0)
    g_string_append_printf(sql, " AND time >= %" G_GINT64_FORMAT, oldest_s);
  if (ctl->options->event != NULL) /* a known word */
    g_string_append_printf(sql, " AND event = '%s'", ctl->options->event);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql->str, NULL, error);
  return stmt != NULL && ctl_print_rows(ctl, stmt, part, ctl_print_log, error);
}

/* Waits until it is time for the next look. Returns: FALSE once the reader of our output is gone.
 */
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
  gint64 seen = 0;
  do {
    g_autoptr(sqlite3_stmt) stmt =
        ctl_first_row(ctl, "SELECT max(eid) FROM watchdog_events WHERE eid > ?", &seen, error);
    if (stmt == NULL)
      return FALSE;
    gint64 newest = sqlite3_column_int64(stmt, 0); /* 0 without one */
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
  if (!ctl_check_file(ctl, "watchdog_events", error))
    return FALSE;
  gint64 oldest_s = g_get_real_time() / G_USEC_PER_SEC - ctl->options->since_s;
  if (!ctl->options->follow)
    return print_events(ctl, CTL_PART_WHOLE, 0, G_MAXINT64, oldest_s, error);
  /* follow() flushes all that it prints, and there is nothing to clean up. */
  const struct sigaction action = {.sa_handler = leave};
  (void)sigaction(SIGINT, &action, NULL); /* fails for no signal number that exists */
  return follow(ctl, oldest_s, error);
}
