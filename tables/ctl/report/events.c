#include "tables/ctl/report/events.h"

#include "tables/ctl/advice/finding.h"
#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"
#include "watchdog/store/database.h"

/* A query or a message longer than this is cut: nobody reads it in a table. */
#define LONGEST_TEXT 2000

#define ENDINGS                                             \
  "(event IN ('process_terminated', 'would_terminate') AND" \
  " reason IN ('memory', 'cpu', 'registration', 'unresponsive'))"
/* All others, except those that accompany every ending and those that are routine. */
#define OTHERS \
  "(event NOT IN ('limit_exceeded', 'process_started', 'extension_registered') AND NOT " ENDINGS ")"

static const char counts_sql[] =
    "SELECT count(*) FILTER (WHERE " ENDINGS "),"
    " count(*) FILTER (WHERE event = 'would_terminate'),"
    " count(*) FILTER (WHERE " OTHERS "),"
    " count(*) FILTER (WHERE event = 'process_exited' AND reason NOT IN ('worker_gone',"
    "  'worker_silent', 'registration')),"
    " count(*) FILTER (WHERE event = 'query_denylisted'),"
    " count(*) FILTER (WHERE event = 'respawn_limit_reached')"
    " FROM watchdog_events WHERE time >= ?";

/* The newest rows, and the query of each, which is looked up for these rows alone. */
#define ROWS(condition)                                                                 \
  "SELECT e.eid, e.time, e.event, e.name, e.pid, e.reason, e.measured,"                 \
  " e.limit_value, e.peak, e.utilization, e.utilization_limit, e.sustained, e.outcome," \
  " e.signals_sent, e.duration_ms, e.lifetime_ms, e.message, " CTL_QUERY_COLUMNS        \
  " FROM (SELECT * FROM watchdog_events WHERE time >= ? AND " condition                 \
  " ORDER BY eid DESC LIMIT ?) e LEFT JOIN (" CTL_DENYLISTED_SELECT ") asked"           \
  " ON asked.cause_eid = e.eid ORDER BY e.eid DESC"

static const char *
keep(GStringChunk *texts, sqlite3_stmt *stmt, int column)
{
  g_autofree char *text = ctl_visible_value(stmt, column);
  if (g_utf8_strlen(text, -1) <= LONGEST_TEXT)
    return g_string_chunk_insert_const(texts, text);
  *g_utf8_offset_to_pointer(text, LONGEST_TEXT) = '\0';
  g_autofree char *cut = g_strconcat(text, "…", NULL);
  return g_string_chunk_insert_const(texts, cut);
}

static CtlReportEvent *
event_from_row(sqlite3_stmt *stmt, GStringChunk *texts)
{
  CtlReportEvent *event = g_new0(CtlReportEvent, 1);
  int column = 0;
  event->eid = ctl_integer(stmt, column++);
  event->time_s = ctl_integer(stmt, column++);
  event->event = keep(texts, stmt, column++);
  event->name = keep(texts, stmt, column++);
  event->pid = ctl_integer(stmt, column++);
  event->reason = keep(texts, stmt, column++);
  event->measured = ctl_integer(stmt, column++);
  event->limit_value = ctl_integer(stmt, column++);
  event->peak_bytes = ctl_integer(stmt, column++);
  event->utilization = ctl_real(stmt, column++);
  event->utilization_limit = ctl_integer(stmt, column++);
  event->sustained_s = ctl_integer(stmt, column++);
  event->outcome = keep(texts, stmt, column++);
  event->signals_sent = keep(texts, stmt, column++);
  event->duration_ms = ctl_integer(stmt, column++);
  event->lifetime_ms = ctl_integer(stmt, column++);
  event->message = keep(texts, stmt, column++);
  (void)ctl_word_origin((const char *)sqlite3_column_text(stmt, column++), &event->origin);
  event->query_name = keep(texts, stmt, column++);
  event->query = keep(texts, stmt, column);
  return event;
}

void
ctl_report_events_free(CtlReportEvents *events)
{
  if (events == NULL)
    return;
  g_ptr_array_unref(events->endings);
  g_ptr_array_unref(events->others);
  g_string_chunk_free(events->texts);
  g_free(events);
}

/* Appends the rows of @sql, @most at most, to @found, which is one of @events. */
static gboolean
read_events(const Ctl *ctl, const char *sql, gint64 oldest_s, gint64 most, CtlReportEvents *events,
            GPtrArray *found, GError **error)
{
  const gint64 values[] = {oldest_s, most};
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql, values, error);
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW)
    g_ptr_array_add(found, event_from_row(stmt, events->texts));
  return result == SQLITE_DONE;
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

static gboolean
has_row(const GPtrArray *rows, gint64 eid)
{
  for (guint i = 0; i < rows->len; i++) {
    const CtlReportEvent *event = rows->pdata[i];
    if (event->eid == eid)
      return TRUE;
  }
  return FALSE;
}

gboolean
ctl_report_events_show(const CtlReportEvents *events, gint64 eid)
{
  return has_row(events->endings, eid) || has_row(events->others, eid);
}

CtlReportEvents *
ctl_report_events_read(const Ctl *ctl, gint64 oldest_s, GError **error)
{
  g_autoptr(CtlReportEvents) events = g_new0(CtlReportEvents, 1);
  events->texts = g_string_chunk_new(1024);
  events->endings = g_ptr_array_new_with_free_func(g_free);
  events->others = g_ptr_array_new_with_free_func(g_free);
  if (!count_events(ctl, events, oldest_s, error) ||
      !read_events(ctl, ROWS(ENDINGS), oldest_s, CTL_REPORT_ENDINGS, events, events->endings,
                   error) ||
      !read_events(ctl, ROWS(OTHERS), oldest_s, CTL_REPORT_OTHERS, events, events->others, error))
    return NULL;
  return g_steal_pointer(&events);
}
