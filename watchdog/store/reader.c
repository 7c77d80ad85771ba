#include "watchdog/store/reader.h"

#include "watchdog/store/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Readers and the writer don't wait for each other; only recovery after a crash takes a moment. */
#define BUSY_TIMEOUT_MS 100

/* SQLite would report "unable to open database file" for all of these. No file is opened here,
 * because closing a second descriptor would drop the locks of a connection of this process. */
static gboolean
check_file(const char *path, GError **error)
{
  struct stat info;
  g_autofree char *wal = g_strconcat(path, "-wal", NULL);
  if (stat(path, &info) < 0)
    return wd_store_fail(
        error, errno == ENOENT || errno == ENOTDIR ? WD_STORE_ERROR_MISSING : WD_STORE_ERROR_IO,
        "%s: %s", path, g_strerror(errno));
  if (!S_ISREG(info.st_mode))
    return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: is no regular file", path);
  if (info.st_size == 0)
    return wd_store_fail(error, WD_STORE_ERROR_MISSING, "%s: is still empty", path);
  if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
    return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: %s", path, g_strerror(errno));
  if (faccessat(AT_FDCWD, wal, R_OK, AT_EACCESS) < 0 && errno != ENOENT)
    return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: %s", wal, g_strerror(errno));
  return TRUE;
}

gboolean
wd_reader_has_wal(const char *path)
{
  g_autofree char *wal = g_strconcat(path, "-wal", NULL);
  return faccessat(AT_FDCWD, wal, F_OK, AT_EACCESS) == 0;
}

/* Without its write-ahead log a database is opened as if it could not change; otherwise SQLite
 * would try to begin a new log. */
static sqlite3 *
open_file(const char *path, gboolean has_wal, GError **error)
{
  g_autoptr(sqlite3) db = NULL;
  g_autofree char *uri = g_filename_to_uri(path, NULL, error);
  if (uri == NULL)
    return NULL;
  g_autofree char *name = g_strconcat(uri, has_wal ? "" : "?immutable=1", NULL);
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
  if (sqlite3_open_v2(name, &db, flags, NULL) != SQLITE_OK ||
      sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS) != SQLITE_OK) {
    wd_store_fail(error, WD_STORE_ERROR_IO, "%s: %s", path, sqlite3_errmsg(db));
    return NULL;
  }
  return g_steal_pointer(&db);
}

/* Our writer never removes its write-ahead log (see wd_database_use_wal()), but other programs do
 * after moving it into the database. If the database was copied without it, the newest rows may be
 * missing, or all. */
static gboolean
check_history_without_wal(sqlite3 *db, const char *path, gint32 version, GError **error)
{
  gboolean complete = FALSE;
  if (version > 0 && !wd_run_has_stopped(db, &complete, error))
    return FALSE;
  return complete ||
         wd_store_fail(error, WD_STORE_ERROR_IO,
                       "%s-wal: is missing although the watchdog never stopped: copy it along with"
                       " the database, or create it empty to read what is there",
                       path);
}

sqlite3 *
wd_reader_open(const char *path, const WdSchema *schema, GError **error)
{
  if (!check_file(path, error))
    return NULL;
  gboolean has_wal = wd_reader_has_wal(path);
  g_autoptr(sqlite3) db = open_file(path, has_wal, error);
  gint32 version;
  if (db == NULL ||
      !wd_database_exec(db, "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON", error) ||
      !wd_schema_check(db, schema, &version, error))
    return NULL;
  if (!has_wal && schema == &wd_schema_history &&
      !check_history_without_wal(db, path, version, error))
    return NULL;
  if (version == 0) { /* its writer is about to create it */
    wd_store_fail(error, WD_STORE_ERROR_MISSING, "%s: is still empty", path);
    return NULL;
  }
  return g_steal_pointer(&db);
}
