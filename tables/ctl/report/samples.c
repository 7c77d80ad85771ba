#include "tables/ctl/report/samples.h"

#include "tables/ctl/print/value.h"
#include "watchdog/store/database.h"

/* What the store keeps; a sample that seems older was made before the clock was set. */
#define LONGEST_SPAN_S 86400
/* Even a single sample must be visible. */
#define SHORTEST_SPAN_S 60
/* The end of the year 9999: calendars end there. */
#define GREATEST_TIME "253402300799"

enum { TIME, NAME, PID, UTILIZATION, FOOTPRINT, UTILIZATION_LIMIT, MEMORY_LIMIT };

#define FROM_SAMPLES_SINCE \
  " FROM watchdog_samples WHERE time >= ? AND time BETWEEN 0 AND " GREATEST_TIME
static const char times_sql[] = "SELECT time" FROM_SAMPLES_SINCE;
static const char first_sql[] = "SELECT coalesce(min(time), " GREATEST_TIME ")" FROM_SAMPLES_SINCE;

static const char samples_sql[] =
    "SELECT time, name, pid, utilization, footprint, utilization_limit, memory_limit"
    " FROM watchdog_samples WHERE time BETWEEN ? AND ?";

/* A watchdog whose files were copied from another host seems unresponsive, too. */
static const char state_sql[] =
    "SELECT role || ', ' || state"
    " || iif(state = 'unresponsive', ' where this page was made', '')"
    " || coalesce(', pid ' || pid, '') || iif(restarts > 0, ', ' || restarts || ' restarts', '')"
    " FROM watchdog_processes WHERE name = ?";

static void
process_free(CtlReportProcess *process)
{
  g_free(process->name);
  g_free(process->state);
  g_free(process);
}

void
ctl_report_samples_free(CtlReportSamples *samples)
{
  if (samples == NULL)
    return;
  g_ptr_array_unref(samples->processes);
  g_free(samples);
}

/* The span that is drawn: up to the newest sample, whatever its label. */
static gboolean
find_span(const Ctl *ctl, CtlReportSamples *samples, gint64 oldest_s, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, times_sql, &oldest_s, error);
  gint64 newest_s = 0;
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW)
    newest_s = sqlite3_column_int64(stmt, 0);
  if (result != SQLITE_DONE)
    return FALSE;
  const gint64 from_s = MAX(oldest_s, newest_s - LONGEST_SPAN_S);
  g_autoptr(sqlite3_stmt) first = ctl_first_row(ctl, first_sql, &from_s, error);
  if (first == NULL)
    return FALSE;
  samples->to_s = newest_s;
  samples->from_s = MIN(sqlite3_column_int64(first, 0), newest_s - SHORTEST_SPAN_S);
  return TRUE;
}

/* Returns: NULL when there are too many. */
static CtlReportProcess *
find_process(CtlReportSamples *samples, GHashTable *by_name, const char *name)
{
  CtlReportProcess *process = g_hash_table_lookup(by_name, name);
  if (process != NULL)
    return process;
  if (samples->processes->len == CTL_REPORT_PROCESSES) {
    samples->more = TRUE;
    return NULL;
  }
  process = g_new0(CtlReportProcess, 1);
  process->name = g_strdup(name);
  ctl_series_init(&process->cpu, samples->from_s, samples->to_s);
  ctl_series_init(&process->memory, samples->from_s, samples->to_s);
  g_ptr_array_add(samples->processes, process);
  g_hash_table_insert(by_name, process->name, process);
  return process;
}

static gboolean
read_samples(const Ctl *ctl, CtlReportSamples *samples, GError **error)
{
  g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
  const gint64 span[] = {samples->from_s, samples->to_s};
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, samples_sql, span, error);
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW) {
    g_autofree char *name = ctl_visible_value(stmt, NAME);
    CtlReportProcess *process = find_process(samples, by_name, name);
    if (process == NULL)
      continue;
    const gint64 time_s = sqlite3_column_int64(stmt, TIME);
    const gint64 pid = sqlite3_column_int64(stmt, PID);
    ctl_series_add(&process->cpu, time_s, pid, ctl_real(stmt, UTILIZATION),
                   ctl_real(stmt, UTILIZATION_LIMIT));
    ctl_series_add(&process->memory, time_s, pid, ctl_real(stmt, FOOTPRINT),
                   ctl_real(stmt, MEMORY_LIMIT));
  }
  return result == SQLITE_DONE;
}

static gboolean
read_states(const Ctl *ctl, CtlReportSamples *samples, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, state_sql, NULL, error);
  if (stmt == NULL)
    return FALSE;
  for (guint i = 0; i < samples->processes->len; i++) {
    CtlReportProcess *process = samples->processes->pdata[i];
    (void)sqlite3_reset(stmt); /* repeats what the last step said */
    WdBinder binder = {.stmt = stmt};
    wd_bind_text(&binder, process->name);
    const int result = binder.result == SQLITE_OK ? sqlite3_step(stmt) : binder.result;
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
      ctl_set_error(ctl, error);
      return FALSE;
    }
    process->state = result == SQLITE_ROW ? ctl_visible_value(stmt, 0) : g_strdup("");
  }
  return TRUE;
}

CtlReportSamples *
ctl_report_samples_read(const Ctl *ctl, gint64 oldest_s, GError **error)
{
  g_autoptr(CtlReportSamples) samples = g_new0(CtlReportSamples, 1);
  samples->processes = g_ptr_array_new_with_free_func((GDestroyNotify)process_free);
  if (!find_span(ctl, samples, oldest_s, error) || !read_samples(ctl, samples, error) ||
      !read_states(ctl, samples, error))
    return NULL;
  return g_steal_pointer(&samples);
}
