#include "watchdog/store/history.h"

#include "watchdog/store/run.h"
#include "watchdog/store/schema.h"

/* A commit that also moves the log into the database takes longer; a short log keeps that short,
 * and the files small. */
#define WAL_PAGES "250"
#define WAL_BYTES "1048576"

/* The way from the root to the newest rows of the table and its indexes; the watchdog stays small.
 */
#define CACHE_KB "64"

/* Pages given back in one step of pruning: a hundred rows with their details take about 15. */
#define VACUUM_PAGES "64"

struct WdHistory {
  sqlite3 *db;
  sqlite3_stmt *begin;
  sqlite3_stmt *commit;
  sqlite3_stmt *insert;
  sqlite3_stmt *oldest;
  sqlite3_stmt *remove_through;
  char *run_id;
  gint64 base;
  gint64 rows; /* counted once, then kept: counting reads a whole index */
};

static gboolean
prepare_statements(WdHistory *history, GError **error)
{
  const struct {
    sqlite3_stmt **stmt;
    const char *sql;
  } statements[] = {
      {&history->begin, "BEGIN IMMEDIATE"},
      {&history->commit, "COMMIT"},
      /* Not INSERT OR IGNORE: that would hide other faults too. */
      {&history->insert,
       "INSERT INTO events(eid, time, run_id, event, role, name, path, pid, reason, measured,"
       " limit_value, unit, utilization, utilization_limit, sustained, outcome, exit_code,"
       " exit_signal, signals_sent, duration_ms, lifetime_ms, delay, restarts, query_name, query,"
       " cause_eid, details, message) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
       "?,"
       " ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(eid) DO NOTHING"},
      {&history->oldest, "SELECT eid, time FROM events ORDER BY eid LIMIT ?"},
      {&history->remove_through, "DELETE FROM events WHERE eid <= ?"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(statements); i++) {
    *statements[i].stmt = wd_database_prepare(history->db, statements[i].sql, error);
    if (*statements[i].stmt == NULL)
      return FALSE;
  }
  return TRUE;
}

static gboolean
begin(WdHistory *history, GError **error)
{
  return wd_binder_run(&(WdBinder){.stmt = history->begin}, error);
}

static gboolean
commit(WdHistory *history, GError **error)
{
  return wd_binder_run(&(WdBinder){.stmt = history->commit}, error);
}

static gboolean
open_run(WdHistory *history, const WdHistoryRun *run, GError **error)
{
  return wd_database_exec(history->db, "BEGIN IMMEDIATE", error) &&
         wd_schema_migrate(history->db, &wd_schema_history, error) &&
         wd_run_begin(history->db, run, &history->base, error) &&
         wd_database_integer(history->db, "SELECT count(*) FROM events", &history->rows, error) &&
         wd_database_exec(history->db, "COMMIT", error) && prepare_statements(history, error);
}

WdHistory *
wd_history_open(const char *path, const WdHistoryRun *run, GError **error)
{
  g_autoptr(WdHistory) history = g_new0(WdHistory, 1);
  history->run_id = g_strdup(run->run_id);
  history->db = wd_database_open(path, error);
  if (history->db == NULL)
    return NULL;
  gint32 version;
  /* Looked at before the first change: what isn't ours, or is newer, stays untouched. auto_vacuum
   * takes effect on an empty file alone, and only before the write-ahead log. */
  if (wd_schema_check(history->db, &wd_schema_history, &version, error) &&
      wd_database_exec(history->db,
                       "PRAGMA trusted_schema=OFF; PRAGMA auto_vacuum=INCREMENTAL;"
                       "PRAGMA synchronous=FULL; PRAGMA cache_size=-" CACHE_KB ";"
                       "PRAGMA wal_autocheckpoint=" WAL_PAGES
                       "; PRAGMA journal_size_limit=" WAL_BYTES,
                       error) &&
      wd_database_use_wal(history->db, error) && open_run(history, run, error))
    return g_steal_pointer(&history);
  return NULL;
}

void
wd_history_free(WdHistory *history)
{
  if (history == NULL)
    return;
  sqlite3_finalize(history->begin);
  sqlite3_finalize(history->commit);
  sqlite3_finalize(history->insert);
  sqlite3_finalize(history->oldest);
  sqlite3_finalize(history->remove_through);
  sqlite3_close_v2(history->db);
  g_free(history->run_id);
  g_free(history);
}

gint64
wd_history_eid(const WdHistory *history, guint64 seq)
{
  return seq == 0 ? 0 : history->base + (gint64)seq;
}

static gboolean
insert_event(WdHistory *history, const WdEvent *event, GError **error)
{
  g_autofree char *signals = wd_signals_text(event->signals_sent);
  WdBinder binder = {.stmt = history->insert};
  wd_bind_integer(&binder, wd_history_eid(history, event->seq));
  wd_bind_integer(&binder, event->time_s);
  wd_bind_text(&binder, history->run_id);
  wd_bind_text(&binder, wd_event_kind_name(event->kind));
  wd_bind_text(&binder, wd_role_name(event->role));
  wd_bind_text(&binder, event->name);
  wd_bind_text(&binder, event->path);
  wd_bind_integer(&binder, event->pid);
  wd_bind_text(&binder, wd_reason_name(event->reason));
  wd_bind_integer(&binder, event->measured);
  wd_bind_integer(&binder, event->limit_value);
  wd_bind_text(&binder, wd_unit_name(event->unit));
  wd_bind_real(&binder, event->utilization);
  wd_bind_integer(&binder, event->utilization_limit);
  wd_bind_integer(&binder, event->sustained_s);
  wd_bind_text(&binder, wd_outcome_name(event->outcome));
  wd_bind_integer(&binder, event->exit_code);
  wd_bind_integer(&binder, event->exit_signal);
  wd_bind_text(&binder, signals);
  wd_bind_integer(&binder, event->duration_ms);
  wd_bind_integer(&binder, event->lifetime_ms);
  wd_bind_integer(&binder, event->delay_s);
  wd_bind_integer(&binder, event->restarts);
  wd_bind_text(&binder, event->query_name);
  wd_bind_text(&binder, event->query);
  wd_bind_integer(&binder,
                  event->cause_seq == 0 ? WD_NONE : wd_history_eid(history, event->cause_seq));
  wd_bind_text(&binder, event->details);
  wd_bind_text(&binder, event->message);
  return wd_binder_run(&binder, error);
}

gboolean
wd_history_append(WdHistory *history, WdEvent *const *events, gsize n, GError **error)
{
  if (n == 0)
    return TRUE;
  if (!begin(history, error))
    return FALSE;
  gint64 added = 0;
  gsize done = 0;
  while (done < n && insert_event(history, events[done], error)) {
    added += sqlite3_changes(history->db);
    done++;
  }
  if (done < n || !commit(history, error)) {
    wd_database_rollback(history->db);
    return FALSE;
  }
  history->rows += added;
  return TRUE;
}

/* Looks from the oldest row on for the last one that may go. Rows go in the order of their eids and
 * a row that is kept keeps all after it: a wrong clock's labels make no holes. The newest row
 * always stays, so that max(eid) remains the greatest eid ever used. */
static gboolean
find_last_to_remove(WdHistory *history, gint64 max_rows, gint64 oldest_s, guint most, gint64 *eid,
                    guint *count, GError **error)
{
  gint64 surplus = history->rows - max_rows;
  gint64 candidate = 0;
  gboolean may_go = FALSE;
  guint n = 0;
  int result = sqlite3_bind_int64(history->oldest, 1, (gint64)most + 1);
  while (result == SQLITE_OK || result == SQLITE_ROW) {
    result = sqlite3_step(history->oldest);
    if (result != SQLITE_ROW)
      break;
    if (may_go) { /* it isn't the newest: another one follows */
      *eid = candidate;
      *count = ++n;
    }
    candidate = sqlite3_column_int64(history->oldest, 0);
    may_go = n < surplus || sqlite3_column_int64(history->oldest, 1) < oldest_s;
    if (!may_go)
      break;
  }
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    wd_database_set_error(history->db, error);
  (void)sqlite3_reset(history->oldest); /* repeats what the last step said */
  return result == SQLITE_ROW || result == SQLITE_DONE;
}

gboolean
wd_history_prune(WdHistory *history, gint64 max_rows, gint64 oldest_s, guint most, guint *removed,
                 GError **error)
{
  gint64 last = 0;
  guint count = 0;
  *removed = 0;
  if (!find_last_to_remove(history, max_rows, oldest_s, most, &last, &count, error))
    return FALSE;
  if (count == 0)
    return TRUE;
  if (!begin(history, error))
    return FALSE;
  WdBinder binder = {.stmt = history->remove_through};
  wd_bind_integer(&binder, last);
  if (!wd_binder_run(&binder, error) ||
      !wd_database_exec(history->db, "PRAGMA incremental_vacuum(" VACUUM_PAGES ")", error) ||
      !commit(history, error)) {
    wd_database_rollback(history->db);
    return FALSE;
  }
  history->rows -= count;
  *removed = count;
  return TRUE;
}
