#include "tables/ctl/report/events.h"

#include "tables/ctl/advice/finding.h"
#include "tables/ctl/print/value.h"
#include "watchdog/store/database.h"

/* A query or a message longer than this is cut: nobody reads it in a table. */
#define LONGEST_TEXT 2000

#define ENDINGS                                             \
  "(event IN ('process_terminated', 'would_terminate') AND" \
  " reason IN ('memory', 'cpu', 'registration'))"
/* All but what accompanies every ending and what is ordinary. */
#define OTHERS \
  "(event NOT IN ('limit_exceeded', 'process_started', 'extension_registered') AND NOT " ENDINGS ")"

static const char counts_sql[] =
    "SELECT count(*) FILTER (WHERE " ENDINGS "),"
    " count(*) FILTER (WHERE event = 'would_terminate'),"
    " count(*) FILTER (WHERE " OTHERS "),"
    " count(*) FILTER (WHERE event = 'process_exited' AND reason <> 'worker_gone'),"
    " count(*) FILTER (WHERE event = 'query_denylisted'),"
    " count(*) FILTER (WHERE event = 'respawn_limit_reached')"
    " FROM watchdog_events WHERE time >= ?";

/* The newest rows, and the query that was denylisted for each, which is looked up for these rows
 * alone.
 */
#define ROWS(condition)                                                             \
  "SELECT e.eid, e.time, e.event, e.role, e.name, e.pid, e.reason, e.measured,"     \
  " e.limit_value, e.utilization, e.utilization_limit, e.sustained, e.outcome,"     \
  " e.signals_sent, e.duration_ms, e.lifetime_ms, q.query_name, q.query, e.message" \
  " FROM (SELECT * FROM watchdog_events WHERE time >= ? AND " condition             \
  " ORDER BY eid DESC LIMIT ?) e LEFT JOIN (" CTL_DENYLISTED_SELECT ") q"           \
  " ON q.cause_eid = e.eid ORDER BY e.eid DESC"

static char *
text(sqlite3_stmt *stmt, int column)
{
  g_autofree char *whole = ctl_visible_value(stmt, column);
  if (g_utf8_strlen(whole, -1) <= LONGEST_TEXT)
    return g_steal_pointer(&whole);
  g_autofree char *beginning = g_utf8_substring(whole, 0, LONGEST_TEXT);
  return g_strconcat(beginning, "…", NULL);
}

static CtlReportEvent *
event_from_row(sqlite3_stmt *stmt)
{
  CtlReportEvent *event = g_new0(CtlReportEvent, 1);
  int column = 0;
  event->eid = ctl_integer(stmt, column++);
  event->time_s = ctl_integer(stmt, column++);
  event->event = text(stmt, column++);
  event->role = text(stmt, column++);
  event->name = text(stmt, column++);
  event->pid = ctl_integer(stmt, column++);
  event->reason = text(stmt, column++);
  event->measured = ctl_integer(stmt, column++);
  event->limit_value = ctl_integer(stmt, column++);
  event->utilization = ctl_real(stmt, column++);
  event->utilization_limit = ctl_integer(stmt, column++);
  event->sustained_s = ctl_integer(stmt, column++);
  event->outcome = text(stmt, column++);
  event->signals_sent = text(stmt, column++);
  event->duration_ms = ctl_integer(stmt, column++);
  event->lifetime_ms = ctl_integer(stmt, column++);
  event->query_name = text(stmt, column++);
  event->query = text(stmt, column++);
  event->message = text(stmt, column);
  return event;
}

static void
event_free(CtlReportEvent *event)
{
  g_free(event->event);
  g_free(event->role);
  g_free(event->name);
  g_free(event->reason);
  g_free(event->outcome);
  g_free(event->signals_sent);
  g_free(event->query_name);
  g_free(event->query);
  g_free(event->message);
  g_free(event);
}

void
ctl_report_events_free(CtlReportEvents *events)
{
  if (events == NULL)
    return;
  g_ptr_array_unref(events->endings);
  g_ptr_array_unref(events->others);
  g_free(events);
}

static GPtrArray *
read_events(const Ctl *ctl, const char *sql, gint64 oldest_s, gint64 most, GError **error)
{
  g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)event_free);
  const gint64 values[] = {oldest_s, most};
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare_with(ctl, sql, values, error);
  if (stmt == NULL)
    return NULL;
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
    g_ptr_array_add(events, event_from_row(stmt));
  return ctl_check_end(ctl, result, error) ? g_steal_pointer(&events) : NULL;
}

static gboolean
count_events(const Ctl *ctl, CtlReportEvents *events, gint64 oldest_s, GError **error)
{
  gint64 *const counts[] = {&events->n_endings, &events->n_would,      &events->n_others,
                            &events->n_exits,   &events->n_denylisted, &events->n_gave_up};
  g_autoptr(sqlite3_stmt) stmt = ctl_first_row(ctl, counts_sql, &oldest_s, error);
  if (stmt == NULL)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(counts); i++)
    *counts[i] = sqlite3_column_int64(stmt, (int)i);
  return TRUE;
}

CtlReportEvents *
ctl_report_events_read(const Ctl *ctl, gint64 oldest_s, GError **error)
{
  CtlReportEvents counts = {0};
  if (!count_events(ctl, &counts, oldest_s, error))
    return NULL;
  g_autoptr(GPtrArray) endings =
      read_events(ctl, ROWS(ENDINGS), oldest_s, CTL_REPORT_ENDINGS, error);
  g_autoptr(GPtrArray) others =
      endings != NULL ? read_events(ctl, ROWS(OTHERS), oldest_s, CTL_REPORT_OTHERS, error) : NULL;
  if (others == NULL)
    return NULL;
  CtlReportEvents *events = g_memdup2(&counts, sizeof counts);
  events->endings = g_steal_pointer(&endings);
  events->others = g_steal_pointer(&others);
  return events;
}
