#include "watchdog/store/history.h"

#include "watchdog/store/files.h"
#include "watchdog/store/row.h"
#include "watchdog/store/salvage.h"
#include "watchdog/store/schema.h"

#include <string.h>

/* A commit takes longer if it also moves the log into the database. A short log keeps that time
 * short, and the files small. */
#define WAL_PAGES "250"
#define WAL_BYTES "1048576"

/* Room for the path from the root to the newest rows of the table and its indexes. */
#define CACHE_KB "64"

/* Pages given back in one step of pruning: a hundred rows with their details take about 15. */
#define VACUUM_PAGES "64"

struct WdHistory {
  sqlite3 *db;
  sqlite3_stmt *insert;
  sqlite3_stmt *oldest;
  sqlite3_stmt *remove_through;
  WdFiles files;
  char *run_id;
  gint64 base;
  gint64 rows; /* counted once, then kept: counting reads a whole index */
};

static gboolean
prepare_statements(WdHistory *history, GError **error)
{
  history->oldest =
      wd_database_prepare(history->db, "SELECT eid, time FROM events ORDER BY eid LIMIT ?", error);
  if (history->oldest == NULL)
    return FALSE;
  history->remove_through =
      wd_database_prepare(history->db, "DELETE FROM events WHERE eid <= ?", error);
  if (history->remove_through == NULL)
    return FALSE;
  /* Not INSERT OR IGNORE: that would hide other faults too. */
  history->insert =
      wd_row_prepare(history->db, &wd_event_table, "INSERT", " ON CONFLICT(eid) DO NOTHING", error);
  return history->insert != NULL;
}

static gboolean
commit(WdHistory *history, GError **error)
{
  if (!wd_database_exec(history->db, "COMMIT", error))
    return FALSE;
  wd_files_remember(&history->files);
  return TRUE;
}

/* Otherwise damage would stay unknown until a reader meets it. A history of a million events takes
 * a second. */
static gboolean
check_integrity(sqlite3 *db, GError **error)
{
  g_autofree char *found = wd_database_text(db, "PRAGMA integrity_check(1)", error);
  if (found == NULL)
    return FALSE;
  return g_str_equal(found, "ok") ||
         wd_store_fail(error, WD_STORE_ERROR_CORRUPT, "%s: is damaged: %s",
                       sqlite3_db_filename(db, "main"), g_strdelimit(found, "\n", ' '));
}

/* Only this process writes, but a person's SQLite program may shorten the file rightly. Then the
 * file on disk is still sound. */
static gboolean
check_files(WdHistory *history, GError **error)
{
  switch (wd_files_check(&history->files)) {
  case WD_FILES_SAME:
    return TRUE;
  case WD_FILES_MOVED:
    return wd_store_fail(error, WD_STORE_ERROR_MOVED,
                         "%s: was removed or replaced while it was in use",
                         sqlite3_db_filename(history->db, "main"));
  case WD_FILES_SHRUNK:
    break;
  }
  (void)sqlite3_db_release_memory(history->db);
  g_autoptr(GError) failure = NULL;
  if (!check_integrity(history->db, &failure))
    return wd_store_fail(error, WD_STORE_ERROR_CORRUPT, "%s (cut short while in use)",
                         failure->message);
  wd_files_remember(&history->files);
  return TRUE;
}

static gboolean
open_run(WdHistory *history, const WdHistoryRun *run, gboolean recovering, sqlite3 *source,
         gint64 *saved, GError **error)
{
  const gint64 most = run->begun ? run->base + (gint64)run->stored : WD_GREATEST_EID;
  return wd_database_exec(history->db, "BEGIN IMMEDIATE", error) &&
         wd_schema_migrate(history->db, &wd_schema_history, error) &&
         (source == NULL || wd_salvage(source, history->db, most, saved, error)) &&
         wd_run_begin(history->db, run, recovering, &history->base, error) &&
         wd_database_integer(history->db, "SELECT count(*) FROM events", &history->rows, error) &&
         wd_database_exec(history->db, "COMMIT", error) && prepare_statements(history, error);
}

static WdHistory *
open_history(const char *path, const WdHistoryRun *run, gboolean recovering, sqlite3 *source,
             gint64 *saved, GError **error)
{
  g_autoptr(WdHistory) history = g_new0(WdHistory, 1);
  history->run_id = g_strdup(run->run_id);
  wd_files_init(&history->files, path);
  history->db = wd_database_open(path, error);
  if (history->db == NULL)
    return NULL;
  gint32 version;
  /* Checked before the first change: a foreign or newer file stays untouched. auto_vacuum takes
   * effect only on an empty file, and only before the write-ahead log. */
  if (!wd_schema_check(history->db, &wd_schema_history, &version, error) ||
      (version == 0 && !wd_database_exec(history->db, "PRAGMA auto_vacuum=INCREMENTAL", error)) ||
      !wd_database_exec(history->db,
                        "PRAGMA trusted_schema=OFF;"
                        "PRAGMA synchronous=FULL; PRAGMA cache_size=-" CACHE_KB ";"
                        "PRAGMA wal_autocheckpoint=" WAL_PAGES
                        "; PRAGMA journal_size_limit=" WAL_BYTES,
                        error) ||
      !wd_database_use_wal(history->db, error) ||
      (version > 0 && !check_integrity(history->db, error)) ||
      !open_run(history, run, recovering, source, saved, error))
    return NULL;
  wd_files_remember(&history->files);
  return g_steal_pointer(&history);
}

WdHistory *
wd_history_open(const char *path, const WdHistoryRun *run, GError **error)
{
  return open_history(path, run, FALSE, NULL, NULL, error);
}

WdHistory *
wd_history_begin_anew(const char *path, const WdHistoryRun *run, sqlite3 *source, gint64 *saved,
                      GError **error)
{
  *saved = 0;
  return open_history(path, run, TRUE, source, saved, error);
}

sqlite3 *
wd_history_connection(WdHistory *history)
{
  return history->db;
}

void
wd_history_free(WdHistory *history)
{
  if (history == NULL)
    return;
  sqlite3_finalize(history->insert);
  sqlite3_finalize(history->oldest);
  sqlite3_finalize(history->remove_through);
  sqlite3_close_v2(history->db);
  wd_files_clear(&history->files);
  g_free(history->run_id);
  g_free(history);
}

gint64
wd_history_base(const WdHistory *history)
{
  return history->base;
}

gint64
wd_history_rows(const WdHistory *history)
{
  return history->rows;
}

static gboolean
insert_event(WdHistory *history, const WdEvent *event, GError **error)
{
  WdBinder binder = {.stmt = history->insert};
  wd_row_bind(&binder, &wd_event_table, event, history->run_id, history->base);
  return wd_binder_run(&binder, error);
}

gboolean
wd_history_append(WdHistory *history, WdEvent *const *events, gsize n, GError **error)
{
  if (n == 0)
    return TRUE;
  if (!check_files(history, error) || !wd_database_exec(history->db, "BEGIN IMMEDIATE", error))
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

/* Looks from the oldest row on for the last one that may go. The first row that is kept keeps all
 * after it, so that a wrong clock's labels make no holes. The newest row stays, so that max(eid)
 * remains the greatest eid ever used. */
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

/* New rows use free pages first, so a steady history needs no moving. The rest bounds how much
 * larger than its rows the file is. */
static gboolean
give_pages_back(WdHistory *history, GError **error)
{
  gint64 pages, unused;
  return wd_database_integer(history->db, "PRAGMA page_count", &pages, error) &&
         wd_database_integer(history->db, "PRAGMA freelist_count", &unused, error) &&
         (unused <= pages / 4 ||
          wd_database_exec(history->db, "PRAGMA incremental_vacuum(" VACUUM_PAGES ")", error));
}

gboolean
wd_history_prune(WdHistory *history, gint64 max_rows, gint64 oldest_s, guint most, guint *removed,
                 GError **error)
{
  gint64 last = 0;
  guint count = 0;
  *removed = 0;
  if (!check_files(history, error) ||
      !find_last_to_remove(history, max_rows, oldest_s, most, &last, &count, error))
    return FALSE;
  if (count == 0)
    return TRUE;
  if (!wd_database_exec(history->db, "BEGIN IMMEDIATE", error))
    return FALSE;
  WdBinder binder = {.stmt = history->remove_through};
  wd_bind_integer(&binder, last);
  if (!wd_binder_run(&binder, error) || !give_pages_back(history, error) ||
      !commit(history, error)) {
    wd_database_rollback(history->db);
    return FALSE;
  }
  history->rows -= count;
  *removed = count;
  return TRUE;
}
