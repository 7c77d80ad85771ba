/* Versions of history.db:
 *   1  events as the columns of watchdog_events, in their order; run, one row: the newest run.
 *   2  events: peak, baseline; NULL in what was recorded before.
 *   3  events: core_dumped, origin, thread, last_output, likewise; the view terminations, which is
 *      watchdog_terminations, and the indexes that it needs.
 *
 * Versions of status.db:
 *   1  processes as the columns of watchdog_processes, in their order, then the hidden ones.
 *   2  samples as the columns of watchdog_samples, in their order.
 *   3  processes.memory_watch.
 *   4  settings as the columns of watchdog_settings, in their order.
 *
 * A new version adds its line here and its function at the end of the migrations. */
#include "watchdog/store/schema.h"

static gboolean
history_to_1(sqlite3 *db, GError **error)
{
  return wd_database_exec(db,
                          "CREATE TABLE events("
                          " eid INTEGER PRIMARY KEY,"
                          " time INTEGER NOT NULL,"
                          " run_id TEXT NOT NULL,"
                          " event TEXT NOT NULL,"
                          " role TEXT NOT NULL,"
                          " name TEXT,"
                          " path TEXT,"
                          " pid INTEGER,"
                          " reason TEXT,"
                          " measured INTEGER,"
                          " limit_value INTEGER,"
                          " unit TEXT,"
                          " utilization REAL,"
                          " utilization_limit INTEGER,"
                          " sustained INTEGER,"
                          " outcome TEXT,"
                          " exit_code INTEGER,"
                          " exit_signal INTEGER,"
                          " signals_sent TEXT,"
                          " duration_ms INTEGER,"
                          " lifetime_ms INTEGER,"
                          " delay INTEGER,"
                          " restarts INTEGER,"
                          " query_name TEXT,"
                          " query TEXT,"
                          " cause_eid INTEGER,"
                          " details TEXT,"
                          " message TEXT) STRICT;"
                          "CREATE INDEX events_time ON events(time);"
                          "CREATE INDEX events_event_time ON events(event, time);"
                          "CREATE TABLE run("
                          " id INTEGER PRIMARY KEY CHECK(id = 0),"
                          " run_id TEXT NOT NULL,"
                          " boot_id TEXT NOT NULL,"
                          " pid INTEGER NOT NULL,"
                          " base INTEGER NOT NULL) STRICT",
                          error);
}

static gboolean
history_to_2(sqlite3 *db, GError **error)
{
  return wd_database_exec(db,
                          "ALTER TABLE events ADD COLUMN peak INTEGER;"
                          "ALTER TABLE events ADD COLUMN baseline INTEGER",
                          error);
}

/* Which events are the ends that watchdog_terminations shows. The view and its indexes must say it
 * in the same words, for SQLite to see that one serves the others. The + keeps it from using the
 * index on event, from which the rows would have to be sorted. */
#define IS_TERMINATION                                                               \
  " WHERE +event IN ('process_terminated', 'process_exited') AND role <> 'watchdog'" \
  " AND coalesce(reason, '') NOT IN ('request', 'settings')"

/* What osquery denylisted for an end names its query if the worker itself didn't, unless a query
 * of another asker was busy, or may have been. A successor in the same run knows how long there was
 * none; for one of a later run, or of a version that didn't say, the clock has to do. */
static gboolean
history_to_3(sqlite3 *db, GError **error)
{
  return wd_database_exec(
      db,
      "ALTER TABLE events ADD COLUMN core_dumped INTEGER;"
      "ALTER TABLE events ADD COLUMN origin TEXT;"
      "ALTER TABLE events ADD COLUMN thread TEXT;"
      "ALTER TABLE events ADD COLUMN last_output TEXT;"
      "CREATE INDEX events_ends ON events(eid)" IS_TERMINATION ";"
      "CREATE INDEX events_ends_pid ON events(pid)" IS_TERMINATION ";"
      "CREATE INDEX events_starts ON events(name, eid) WHERE event = 'process_started';"
      "CREATE INDEX events_denylisted ON events(cause_eid) WHERE event = 'query_denylisted';"
      "CREATE VIEW terminations AS"
      " WITH ends AS (SELECT *,"
      "  (SELECT group_concat(d.query_name, ', ') FROM events d"
      "   WHERE d.event = 'query_denylisted' AND d.cause_eid = e.eid) AS denylisted,"
      "  (SELECT iif(count(*) = 1, max(d.eid), NULL) FROM events d"
      "   WHERE d.event = 'query_denylisted' AND d.cause_eid = e.eid AND e.query IS NULL"
      "   AND coalesce(e.query_name, d.query_name) = d.query_name"
      "   AND coalesce(e.origin, 'schedule') = 'schedule'"
      "   AND instr(coalesce(e.details, ''), '\"origin\":\"distributed\"') = 0) AS named_by,"
      "  (SELECT s.eid FROM events s WHERE s.event = 'process_started' AND s.name = e.name"
      "   AND s.eid > e.eid ORDER BY s.eid LIMIT 1) AS next_eid"
      "  FROM events e" IS_TERMINATION ")"
      " SELECT e.eid, e.time, e.name, e.role, e.pid, e.reason,"
      " coalesce(e.origin, iif(d.eid IS NULL, NULL, 'schedule')) AS origin,"
      " coalesce(e.query_name, d.query_name) AS query_name, coalesce(e.query, d.query) AS query,"
      " e.measured, e.limit_value, e.unit, e.peak, e.sustained, e.signals_sent, e.outcome,"
      " e.exit_code, e.exit_signal, e.core_dumped, e.last_output, e.lifetime_ms, e.duration_ms,"
      " coalesce(iif(s.run_id = e.run_id, s.duration_ms, NULL),"
      "  max(s.time - e.time, 0) * 1000) AS downtime_ms,"
      " e.denylisted, e.thread, e.cause_eid, e.run_id"
      " FROM ends e LEFT JOIN events d ON d.eid = e.named_by"
      " LEFT JOIN events s ON s.eid = e.next_eid",
      error);
}

static gboolean
status_to_1(sqlite3 *db, GError **error)
{
  return wd_database_exec(db,
                          "CREATE TABLE processes("
                          " id INTEGER PRIMARY KEY," /* keeps the order in which they were given */
                          " name TEXT,"
                          " role TEXT NOT NULL,"
                          " path TEXT,"
                          " pid INTEGER,"
                          " state TEXT NOT NULL,"
                          " start_time INTEGER,"
                          " restarts INTEGER,"
                          " terminations INTEGER,"
                          " quick_exits INTEGER,"
                          " restart_limit INTEGER,"
                          " next_start_time INTEGER,"
                          " user_time INTEGER,"
                          " system_time INTEGER,"
                          " utilization REAL,"
                          " utilization_limit INTEGER,"
                          " sustained_latency INTEGER,"
                          " latency_limit INTEGER,"
                          " resident_size INTEGER,"
                          " footprint INTEGER,"
                          " baseline_size INTEGER,"
                          " peak_footprint INTEGER,"
                          " memory_limit INTEGER,"
                          " enforced INTEGER,"
                          " last_check_time INTEGER,"
                          " last_exit_code INTEGER,"
                          " last_exit_signal INTEGER,"
                          " registered INTEGER,"
                          " uuid INTEGER,"
                          " responsive INTEGER,"
                          " version TEXT,"
                          " last_eid INTEGER,"
                          " start_ticks INTEGER,"
                          " last_check_us INTEGER) STRICT",
                          error);
}

static gboolean
status_to_2(sqlite3 *db, GError **error)
{
  return wd_database_exec(db,
                          "CREATE TABLE samples("
                          " id INTEGER PRIMARY KEY,"
                          " time INTEGER,"
                          " name TEXT,"
                          " pid INTEGER,"
                          " utilization REAL,"
                          " resident_size INTEGER,"
                          " footprint INTEGER,"
                          " utilization_limit INTEGER,"
                          " memory_limit INTEGER) STRICT",
                          error);
}

static gboolean
status_to_3(sqlite3 *db, GError **error)
{
  return wd_database_exec(db, "ALTER TABLE processes ADD COLUMN memory_watch TEXT", error);
}

static gboolean
status_to_4(sqlite3 *db, GError **error)
{
  return wd_database_exec(db,
                          "CREATE TABLE settings("
                          " id INTEGER PRIMARY KEY," /* keeps the order in which they were given */
                          " name TEXT NOT NULL,"
                          " value TEXT NOT NULL,"
                          " source TEXT NOT NULL) STRICT",
                          error);
}

/* The application ids spell OWdH and OWdS. */
const WdSchema wd_schema_history = {
    .title = "history",
    .application_id = 0x4f576448,
    .version = 3,
    .migrations =
        (gboolean(*const[])(sqlite3 *, GError **)){history_to_1, history_to_2, history_to_3},
};

const WdSchema wd_schema_status = {
    .title = "status",
    .application_id = 0x4f576453,
    .version = 4,
    .migrations = (gboolean(*const[])(sqlite3 *, GError **)){status_to_1, status_to_2, status_to_3,
                                                             status_to_4},
};

gboolean
wd_schema_check(sqlite3 *db, const WdSchema *schema, gint32 *version, GError **error)
{
  gint64 id, found, tables;
  if (!wd_database_integer(db, "PRAGMA application_id", &id, error) ||
      !wd_database_integer(db, "PRAGMA user_version", &found, error) ||
      !wd_database_integer(db, "SELECT count(*) FROM sqlite_schema", &tables, error))
    return FALSE;
  const char *path = sqlite3_db_filename(db, "main");
  gboolean empty = id == 0 && found == 0 && tables == 0;
  if (!empty && (id != schema->application_id || found < 1))
    return wd_store_fail(error, WD_STORE_ERROR_CORRUPT,
                         "%s: is no %s of osquery-watchdog (application_id %" G_GINT64_FORMAT ")",
                         path, schema->title, id);
  if (found > schema->version)
    return wd_store_fail(error, WD_STORE_ERROR_NEWER,
                         "%s: has schema version %" G_GINT64_FORMAT ", this program knows up to %d",
                         path, found, schema->version);
  *version = (gint32)found;
  return TRUE;
}

gboolean
wd_schema_migrate(sqlite3 *db, const WdSchema *schema, GError **error)
{
  gint32 version;
  if (!wd_schema_check(db, schema, &version, error))
    return FALSE;
  if (version == schema->version)
    return TRUE;
  for (; version < schema->version; version++)
    if (!schema->migrations[version](db, error))
      return FALSE;
  g_autofree char *stamp = g_strdup_printf("PRAGMA application_id=%d; PRAGMA user_version=%d",
                                           schema->application_id, schema->version);
  return wd_database_exec(db, stamp, error);
}
