#include "watchdog/store/status.h"

#include "watchdog/store/row.h"
#include "watchdog/store/samples.h"
#include "watchdog/store/schema.h"

#include <errno.h>
#include <unistd.h>

/* Of all journal modes the write-ahead log took the least CPU, and it alone lets readers and the
 * writer pass each other. It is short, because it lies in memory. */
#define WAL_PAGES "64"

struct WdStatus {
  sqlite3 *db;
  sqlite3_stmt *replace;
  sqlite3_stmt *remove_from;
  WdSamples samples;
  gsize rows; /* that there may be */
};

static gboolean
prepare_statements(WdStatus *status, GError **error)
{
  status->remove_from =
      wd_database_prepare(status->db, "DELETE FROM processes WHERE id >= ?", error);
  if (status->remove_from == NULL)
    return FALSE;
  status->replace = wd_row_prepare(status->db, &wd_process_table, "REPLACE", "", error);
  return status->replace != NULL;
}

static WdStatus *
try_open(const char *path, GError **error)
{
  g_autoptr(WdStatus) status = g_new0(WdStatus, 1);
  status->rows = G_MAXSIZE;
  status->db = wd_database_open(path, error);
  if (status->db == NULL)
    return NULL;
  gint32 version;
  if (!wd_schema_check(status->db, &wd_schema_status, &version, error) ||
      !wd_database_exec(status->db,
                        "PRAGMA trusted_schema=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32;"
                        "PRAGMA wal_autocheckpoint=" WAL_PAGES,
                        error) ||
      !wd_database_use_wal(status->db, error) ||
      !wd_database_exec(status->db, "BEGIN IMMEDIATE", error) ||
      !wd_schema_migrate(status->db, &wd_schema_status, error) ||
      !wd_database_exec(status->db, "COMMIT", error) || !prepare_statements(status, error) ||
      !wd_samples_open(&status->samples, status->db, error))
    return NULL;
  return g_steal_pointer(&status);
}

static gboolean
remove_files(const char *path, GError **error)
{
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree char *file = g_strconcat(path, suffixes[i], NULL);
    if (unlink(file) < 0 && errno != ENOENT)
      return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: cannot be removed: %s", file,
                           g_strerror(errno));
  }
  return TRUE;
}

WdStatus *
wd_status_open(const char *path, GError **error)
{
  g_autoptr(GError) reason = NULL;
  WdStatus *status = try_open(path, &reason);
  if (status != NULL)
    return status;
  if (!g_error_matches(reason, WD_STORE_ERROR, WD_STORE_ERROR_CORRUPT) &&
      !g_error_matches(reason, WD_STORE_ERROR, WD_STORE_ERROR_NEWER)) {
    g_propagate_error(error, g_steal_pointer(&reason));
    return NULL;
  }
  return remove_files(path, error) ? try_open(path, error) : NULL;
}

void
wd_status_free(WdStatus *status)
{
  if (status == NULL)
    return;
  sqlite3_finalize(status->replace);
  sqlite3_finalize(status->remove_from);
  wd_samples_clear(&status->samples);
  sqlite3_close_v2(status->db);
  g_free(status);
}

static gboolean
replace_row(WdStatus *status, gint64 id, const WdProcessStatus *row, gint64 base, GError **error)
{
  WdBinder binder = {.stmt = status->replace};
  wd_bind_integer(&binder, id);
  wd_row_bind(&binder, &wd_process_table, row, NULL, base);
  return wd_binder_run(&binder, error);
}

gboolean
wd_status_last_eid(WdStatus *status, gint64 *eid, GError **error)
{
  return wd_database_integer(status->db, "SELECT max(last_eid) FROM processes", eid, error);
}

/* Processes seldom get fewer. */
static gboolean
remove_rest(WdStatus *status, gsize n, GError **error)
{
  WdBinder rest = {.stmt = status->remove_from};
  if (n >= status->rows)
    return TRUE;
  wd_bind_integer(&rest, (gint64)n);
  return wd_binder_run(&rest, error);
}

gboolean
wd_status_write(WdStatus *status, WdProcessStatus *const *rows, gsize n, gint64 base,
                GError **error)
{
  if (!wd_database_exec(status->db, "BEGIN IMMEDIATE", error))
    return FALSE;
  gsize done = 0;
  while (done < n && replace_row(status, (gint64)done, rows[done], base, error))
    done++;
  if (done < n || !remove_rest(status, n, error) ||
      !wd_samples_add(&status->samples, rows, n, error) ||
      !wd_database_exec(status->db, "COMMIT", error)) {
    wd_database_rollback(status->db);
    return FALSE;
  }
  status->rows = n;
  return TRUE;
}

static gboolean
insert_settings(WdStatus *status, WdSetting *const *settings, gsize n, GError **error)
{
  g_autoptr(sqlite3_stmt) insert =
      wd_row_prepare(status->db, &wd_setting_table, "INSERT", "", error);
  gsize done = 0;
  if (insert == NULL)
    return FALSE;
  for (; done < n; done++) {
    WdBinder binder = {.stmt = insert};
    wd_bind_integer(&binder, (gint64)done);
    wd_row_bind(&binder, &wd_setting_table, settings[done], NULL, WD_NONE);
    if (!wd_binder_run(&binder, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
wd_status_write_settings(WdStatus *status, WdSetting *const *settings, gsize n, GError **error)
{
  if (wd_database_exec(status->db, "BEGIN IMMEDIATE; DELETE FROM settings", error) &&
      insert_settings(status, settings, n, error) && wd_database_exec(status->db, "COMMIT", error))
    return TRUE;
  wd_database_rollback(status->db);
  return FALSE;
}
