#include "tables/ctl/report.h"

#include "tables/ctl/text.h"
#include "watchdog/store/database.h"

#include <math.h>

/* A query or a message longer than this is cut: nobody reads it in a table. */
#define LONGEST_TEXT 2000

#define ENDINGS                                             \
  "(event IN ('process_terminated', 'would_terminate') AND" \
  " reason IN ('memory', 'cpu', 'registration'))"
/* What stands beside every ending, and the ordinary. */
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

/* In the order of CtlReportEvent. */
#define COLUMNS                                                                                \
  "SELECT eid, time, event, role, name, pid, reason, measured, limit_value, utilization,"      \
  " utilization_limit, sustained, outcome, signals_sent, exit_code, exit_signal, duration_ms," \
  " lifetime_ms, cause_eid, query_name, query, NULL, NULL, message FROM watchdog_events"

static const char denylisted_sql[] = "SELECT query_name, query FROM watchdog_events"
                                     " WHERE event = 'query_denylisted' AND cause_eid = ?";

static const char details_sql[] =
    "SELECT json_extract(details, '$.anonymous_bytes') + json_extract(details, '$.swap_bytes'),"
    " json_extract(details, '$.basis') IS NOT NULL"
    " FROM watchdog_events WHERE eid = ? AND json_valid(details)";

static gint64
integer(sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_type(stmt, column) == SQLITE_NULL ? WD_NONE
                                                          : sqlite3_column_int64(stmt, column);
}

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
  event->eid = integer(stmt, column++);
  event->time_s = integer(stmt, column++);
  event->event = text(stmt, column++);
  event->role = text(stmt, column++);
  event->name = text(stmt, column++);
  event->pid = integer(stmt, column++);
  event->reason = text(stmt, column++);
  event->measured = integer(stmt, column++);
  event->limit_value = integer(stmt, column++);
  event->utilization =
      sqlite3_column_type(stmt, column) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, column);
  column++;
  event->utilization_limit = integer(stmt, column++);
  event->sustained_s = integer(stmt, column++);
  event->outcome = text(stmt, column++);
  event->signals_sent = text(stmt, column++);
  event->exit_code = integer(stmt, column++);
  event->exit_signal = integer(stmt, column++);
  event->duration_ms = integer(stmt, column++);
  event->lifetime_ms = integer(stmt, column++);
  event->cause_eid = integer(stmt, column++);
  event->query_name = text(stmt, column++);
  event->query = text(stmt, column++);
  event->private_bytes = integer(stmt, column++);
  event->observed = integer(stmt, column++) == 1;
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

/* Runs @stmt for @value. Returns: whether there is a row; FALSE with @error when it failed. */
static gboolean
first_row(const Ctl *ctl, sqlite3_stmt *stmt, gint64 value, GError **error)
{
  (void)sqlite3_reset(stmt); /* repeats what the last step said */
  WdBinder binder = {.stmt = stmt};
  wd_bind_integer(&binder, value);
  const int result = binder.result == SQLITE_OK ? sqlite3_step(stmt) : binder.result;
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    ctl_set_error(ctl, error);
  return result == SQLITE_ROW;
}

/* Adds to every ending what other rows know of it. */
static gboolean
join(const Ctl *ctl, GPtrArray *endings, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(sqlite3_stmt) denylisted = ctl_prepare(ctl, denylisted_sql, error);
  g_autoptr(sqlite3_stmt) details =
      denylisted != NULL ? ctl_prepare(ctl, details_sql, error) : NULL;
  if (details == NULL)
    return FALSE;
  for (guint i = 0; i < endings->len && failure == NULL; i++) {
    CtlReportEvent *event = endings->pdata[i];
    if (first_row(ctl, denylisted, event->eid, &failure)) {
      g_free(event->query_name);
      event->query_name = text(denylisted, 0);
      g_free(event->query);
      event->query = text(denylisted, 1);
    }
    /* A dry run's has its own details; WD_NONE is no eid. */
    const gint64 breach = event->cause_eid != WD_NONE ? event->cause_eid : event->eid;
    if (failure == NULL && first_row(ctl, details, breach, &failure)) {
      event->private_bytes = integer(details, 0);
      event->observed = integer(details, 1) == 1;
    }
  }
  if (failure == NULL)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static GPtrArray *
read_events(const Ctl *ctl, const char *sql, gint64 oldest_s, gint64 most, GError **error)
{
  g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)event_free);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql, error);
  if (stmt == NULL)
    return NULL;
  WdBinder binder = {.stmt = stmt};
  wd_bind_integer(&binder, oldest_s);
  wd_bind_integer(&binder, most);
  int result = binder.result;
  while (result == SQLITE_OK || result == SQLITE_ROW)
    if ((result = sqlite3_step(stmt)) == SQLITE_ROW)
      g_ptr_array_add(events, event_from_row(stmt));
  if (result == SQLITE_DONE)
    return g_steal_pointer(&events);
  ctl_set_error(ctl, error);
  return NULL;
}

static gboolean
count_events(const Ctl *ctl, CtlReportEvents *events, gint64 oldest_s, GError **error)
{
  gint64 *const counts[] = {&events->n_endings, &events->n_would,      &events->n_others,
                            &events->n_exits,   &events->n_denylisted, &events->n_gave_up};
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, counts_sql, error);
  if (stmt == NULL || !first_row(ctl, stmt, oldest_s, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(counts); i++)
    *counts[i] = sqlite3_column_int64(stmt, (int)i);
  return TRUE;
}

CtlReportEvents *
ctl_report_events_read(const Ctl *ctl, gint64 oldest_s, GError **error)
{
  CtlReportEvents counts = {0};
  g_autoptr(GPtrArray) endings = NULL;
  g_autoptr(GPtrArray) others = NULL;
  if (!count_events(ctl, &counts, oldest_s, error))
    return NULL;
  endings = read_events(ctl, COLUMNS " WHERE time >= ? AND " ENDINGS " ORDER BY eid DESC LIMIT ?",
                        oldest_s, CTL_REPORT_ENDINGS, error);
  if (endings == NULL || !join(ctl, endings, error))
    return NULL;
  others = read_events(ctl, COLUMNS " WHERE time >= ? AND " OTHERS " ORDER BY eid DESC LIMIT ?",
                       oldest_s, CTL_REPORT_OTHERS, error);
  if (others == NULL)
    return NULL;
  CtlReportEvents *events = g_memdup2(&counts, sizeof counts);
  events->endings = g_steal_pointer(&endings);
  events->others = g_steal_pointer(&others);
  return events;
}
