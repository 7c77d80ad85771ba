#include "watchdog/store/run.h"

#include "watchdog/store/database.h"

/* Whether the event is an observer's (core/machine/observe.h), which may see an exceeded limit
 * without a termination. */
#define OBSERVED "(coalesce(details, '') LIKE '{\"basis\":%')"

/* The run before this one, as the history has it. */
typedef struct {
  gboolean found;
  gboolean same;     /* its run_id is ours */
  gboolean rebooted; /* its boot_id isn't ours */
  gint64 base;       /* all its events have greater eids, and no other run's have */
} PreviousRun;

static gboolean
read_previous(sqlite3 *db, const WdHistoryRun *run, PreviousRun *previous, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt =
      wd_database_prepare(db, "SELECT run_id = ?, boot_id <> ?, base FROM run", error);
  if (stmt == NULL)
    return FALSE;
  WdBinder binder = {.stmt = stmt};
  wd_bind_text(&binder, run->run_id);
  wd_bind_text(&binder, run->boot_id);
  int result = binder.result == SQLITE_OK ? sqlite3_step(stmt) : binder.result;
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return wd_database_set_error(db, error);
  previous->found = result == SQLITE_ROW;
  if (previous->found) {
    previous->same = sqlite3_column_int(stmt, 0) != 0;
    previous->rebooted = sqlite3_column_int(stmt, 1) != 0;
    previous->base = sqlite3_column_int64(stmt, 2);
  }
  return TRUE;
}

/* These rows belong to the run that crashed and get the next eids after @greatest. */
static gboolean
close_previous(sqlite3 *db, const PreviousRun *previous, gint64 greatest, gint64 now_s,
               GError **error)
{
  g_autoptr(sqlite3_stmt) crashed = wd_database_prepare(
      db,
      "INSERT INTO events(eid, time, run_id, event, role, name, path, pid, reason, message)"
      " SELECT ?4 + 1, ?1, run_id, 'watchdog_crashed', 'watchdog', 'watchdog',"
      "  (SELECT path FROM events WHERE eid > ?2 AND event = 'watchdog_started' LIMIT 1),"
      "  pid, iif(?3, 'reboot', NULL),"
      "  iif((SELECT " OBSERVED
      "   FROM events WHERE eid > ?2 AND event = 'watchdog_started' LIMIT 1),"
      "   'the observation of osqueryd watcher (', 'osquery-watchdogd (')"
      "  || pid || ') ended without stopping'"
      "  || iif(?3, ': the host went down', '')"
      " FROM run",
      error);
  if (crashed == NULL)
    return FALSE;
  WdBinder binder = {.stmt = crashed};
  wd_bind_integer(&binder, now_s);
  wd_bind_integer(&binder, previous->base);
  wd_bind_integer(&binder, previous->rebooted);
  wd_bind_integer(&binder, greatest);
  if (!wd_binder_run(&binder, error))
    return FALSE;

  /* With max() SQLite takes the other columns from the same row. So the newest of these events of
   * each process shows whether its termination was still open. The watchdog's isn't: it has
   * watchdog_crashed. */
  g_autoptr(sqlite3_stmt) interrupted = wd_database_prepare(
      db,
      "INSERT INTO events(eid, time, run_id, event, role, name, path, pid, reason, measured,"
      "  limit_value, unit, peak, baseline, utilization, utilization_limit, sustained, outcome, "
      "cause_eid, message)"
      " SELECT ?3 + 1 + row_number() OVER (ORDER BY newest), ?1, run_id, 'process_terminated', "
      "role, name, path, pid, reason, measured,"
      "  limit_value, unit, peak, baseline, utilization, utilization_limit, sustained, "
      "'interrupted', newest,"
      "  'the watchdog ended before it could tell how the ending of ' || name || ' ('"
      "  || coalesce(pid, '-') || ') went'"
      " FROM (SELECT *, max(eid) AS newest FROM events"
      "  WHERE eid > ?2 AND role <> 'watchdog'"
      "  AND event IN ('limit_exceeded', 'process_terminated', 'process_exited')"
      "  GROUP BY role, name, pid)"
      " WHERE event = 'limit_exceeded' AND NOT " OBSERVED " ORDER BY newest",
      error);
  if (interrupted == NULL)
    return FALSE;
  binder = (WdBinder){.stmt = interrupted};
  wd_bind_integer(&binder, now_s);
  wd_bind_integer(&binder, previous->base);
  wd_bind_integer(&binder, greatest);
  return wd_binder_run(&binder, error);
}

gboolean
wd_run_has_stopped(sqlite3 *db, gboolean *stopped, GError **error)
{
  gint64 value;
  if (!wd_database_integer(db,
                           "SELECT 1 FROM events WHERE eid > (SELECT base FROM run)"
                           " AND event = 'watchdog_stopped' LIMIT 1",
                           &value, error))
    return FALSE;
  *stopped = value != 0;
  return TRUE;
}

/* Whether the events that the run has stored are still there. While the file was closed, an older
 * copy may have replaced it, or it may have lost its write-ahead log. */
static gboolean
check_complete(sqlite3 *db, const WdHistoryRun *run, const PreviousRun *previous, GError **error)
{
  gint64 greatest = 0;
  if (previous->same && !wd_database_integer(db, "SELECT max(eid) FROM events", &greatest, error))
    return FALSE;
  if (previous->same && previous->base == run->base &&
      (run->stored == 0 || greatest >= run->base + (gint64)run->stored))
    return TRUE;
  return wd_store_fail(error, WD_STORE_ERROR_CORRUPT,
                       "%s: lacks events that this run had stored in it",
                       sqlite3_db_filename(db, "main"));
}

/* The greatest eid that may have been used before this run. */
static gboolean
find_greatest(sqlite3 *db, const WdHistoryRun *run, const PreviousRun *previous, gint64 *greatest,
              GError **error)
{
  if (!wd_database_integer(db, "SELECT max(eid) FROM events", greatest, error))
    return FALSE;
  *greatest = MAX(*greatest, MAX(run->floor, previous->base));
  return (*greatest >= 0 && *greatest < WD_GREATEST_EID) ||
         wd_store_fail(error, WD_STORE_ERROR_CORRUPT,
                       "%s: has the impossible eid %" G_GINT64_FORMAT,
                       sqlite3_db_filename(db, "main"), *greatest);
}

static gboolean
write_run(sqlite3 *db, const WdHistoryRun *run, gint64 base, GError **error)
{
  g_autoptr(sqlite3_stmt) begin = wd_database_prepare(
      db, "REPLACE INTO run(id, run_id, boot_id, pid, base) VALUES(0, ?, ?, ?, ?)", error);
  if (begin == NULL)
    return FALSE;
  WdBinder binder = {.stmt = begin};
  wd_bind_text(&binder, run->run_id);
  wd_bind_text(&binder, run->boot_id);
  wd_bind_integer(&binder, run->watchdog_pid);
  wd_bind_integer(&binder, base);
  return wd_binder_run(&binder, error);
}

gboolean
wd_run_begin(sqlite3 *db, const WdHistoryRun *run, gboolean recovering, gint64 *base,
             GError **error)
{
  PreviousRun previous = {0};
  if (!read_previous(db, run, &previous, error))
    return FALSE;
  if (run->begun) {
    *base = run->base;
    return recovering ? write_run(db, run, run->base, error)
                      : check_complete(db, run, &previous, error);
  }
  if (previous.same) { /* before anyone learned the base */
    *base = previous.base;
    return TRUE;
  }
  gboolean stopped = TRUE;
  gint64 greatest;
  if ((previous.found && !wd_run_has_stopped(db, &stopped, error)) ||
      !find_greatest(db, run, &previous, &greatest, error) ||
      (!stopped && !close_previous(db, &previous, greatest, run->now_s, error)) ||
      !find_greatest(db, run, &previous, base, error))
    return FALSE;
  return write_run(db, run, *base, error);
}
