#include "watchdog/store/database.h"

#include "watchdog/core/event/none.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

/* A writer that is alone finds the database locked only for moments, while another process opens or
 * recovers it. */
#define BUSY_TIMEOUT_MS 250

static WdStoreError
classify(int code)
{
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return WD_STORE_ERROR_BUSY;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_ERROR: /* our SQL doesn't compile: the tables aren't those of the version */
  case SQLITE_CONSTRAINT:
    return WD_STORE_ERROR_CORRUPT;
  default:
    return WD_STORE_ERROR_IO;
  }
}

gboolean
wd_database_set_error(sqlite3 *db, GError **error)
{
  int code = sqlite3_errcode(db);
  int primary = code & 0xff;
  int os_error = sqlite3_system_errno(db);
  gboolean from_os = os_error != 0 && (primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR);
  return wd_store_fail(error, classify(code), "%s: %s%s%s%s", sqlite3_db_filename(db, "main"),
                       sqlite3_errmsg(db), from_os ? " (" : "", from_os ? g_strerror(os_error) : "",
                       from_os ? ")" : "");
}

/* Makes sure that a regular file of ours is at @path. An existing one is examined without opening
 * it, because closing a second descriptor would drop the locks of a connection that this process
 * has. */
static gboolean
ensure_file(const char *path, GError **error)
{
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) {
    gboolean done = fchmod(fd, 0600) == 0; /* whatever the umask took away */
    int saved = errno;
    if (close(fd) == 0 && done)
      return TRUE;
    return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: cannot be created: %s", path,
                         g_strerror(done ? errno : saved));
  }
  struct stat info;
  if (errno != EEXIST || lstat(path, &info) < 0)
    return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: cannot be created: %s", path,
                         g_strerror(errno));
  if (!S_ISREG(info.st_mode))
    return wd_store_fail(error, WD_STORE_ERROR_IO, "%s: is %s", path,
                         S_ISLNK(info.st_mode) ? "a symbolic link" : "no regular file");
  if (info.st_uid != 0 && info.st_uid != geteuid())
    return wd_store_fail(error, WD_STORE_ERROR_IO,
                         "%s: belongs to user %u, neither to root nor to us", path, info.st_uid);
  return TRUE;
}

void
wd_database_keep_small(void)
{
  /* SQLite refuses this when it comes too late; then only more memory is in use. */
  (void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

sqlite3 *
wd_database_open(const char *path, GError **error)
{
  if (!ensure_file(path, error))
    return NULL;
  g_autoptr(sqlite3) db = NULL;
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
      sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS) != SQLITE_OK) {
    wd_store_fail(error, WD_STORE_ERROR_IO, "%s: %s", path, sqlite3_errmsg(db));
    return NULL;
  }
  return g_steal_pointer(&db);
}

gboolean
wd_database_exec(sqlite3 *db, const char *sql, GError **error)
{
  return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || wd_database_set_error(db, error);
}

sqlite3_stmt *
wd_database_prepare(sqlite3 *db, const char *sql, GError **error)
{
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
    wd_database_set_error(db, error);
  return stmt;
}

gboolean
wd_database_use_wal(sqlite3 *db, GError **error)
{
  int keep = 1;
  g_autoptr(sqlite3_stmt) stmt = wd_database_prepare(db, "PRAGMA journal_mode=WAL", error);
  if (stmt == NULL)
    return FALSE;
  if (sqlite3_step(stmt) != SQLITE_ROW ||
      sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep) != SQLITE_OK)
    return wd_database_set_error(db, error);
  const unsigned char *mode = sqlite3_column_text(stmt, 0);
  return g_strcmp0((const char *)mode, "wal") == 0 ||
         wd_store_fail(error, WD_STORE_ERROR_IO, "%s: its file system can't hold a write-ahead log",
                       sqlite3_db_filename(db, "main"));
}

gboolean
wd_database_integer(sqlite3 *db, const char *sql, gint64 *value, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = wd_database_prepare(db, sql, error);
  if (stmt == NULL)
    return FALSE;
  switch (sqlite3_step(stmt)) {
  case SQLITE_ROW:
    *value = sqlite3_column_int64(stmt, 0);
    return TRUE;
  case SQLITE_DONE:
    *value = 0;
    return TRUE;
  default:
    return wd_database_set_error(db, error);
  }
}

char *
wd_database_text(sqlite3 *db, const char *sql, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = wd_database_prepare(db, sql, error);
  if (stmt == NULL)
    return NULL;
  const unsigned char *text =
      sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
  if (text == NULL)
    wd_database_set_error(db, error);
  return g_strdup((const char *)text);
}

gboolean
wd_database_has_column(sqlite3 *db, const char *table, const char *column)
{
  return sqlite3_table_column_metadata(db, "main", table, column, NULL, NULL, NULL, NULL, NULL) ==
         SQLITE_OK;
}

void
wd_database_rollback(sqlite3 *db)
{
  /* If this fails, closing the connection undoes the transaction. */
  if (!sqlite3_get_autocommit(db))
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

static void
note_result(WdBinder *binder, int result)
{
  if (binder->result == SQLITE_OK)
    binder->result = result;
}

void
wd_bind_integer(WdBinder *binder, gint64 value)
{
  int parameter = ++binder->bound;
  note_result(binder, value == WD_NONE ? sqlite3_bind_null(binder->stmt, parameter)
                                       : sqlite3_bind_int64(binder->stmt, parameter, value));
}

void
wd_bind_real(WdBinder *binder, double value)
{
  int parameter = ++binder->bound;
  note_result(binder, isnan(value) ? sqlite3_bind_null(binder->stmt, parameter)
                                   : sqlite3_bind_double(binder->stmt, parameter, value));
}

void
wd_bind_text(WdBinder *binder, const char *text)
{
  int parameter = ++binder->bound;
  if (text == NULL)
    note_result(binder, sqlite3_bind_null(binder->stmt, parameter));
  else if (g_utf8_validate(text, -1, NULL))
    note_result(binder, sqlite3_bind_text(binder->stmt, parameter, text, -1, SQLITE_STATIC));
  else
    note_result(binder, sqlite3_bind_text(binder->stmt, parameter, g_utf8_make_valid(text, -1), -1,
                                          g_free));
}

gboolean
wd_binder_run(WdBinder *binder, GError **error)
{
  sqlite3 *db = sqlite3_db_handle(binder->stmt);
  gboolean done = binder->result == SQLITE_OK && sqlite3_step(binder->stmt) == SQLITE_DONE;
  if (!done)
    wd_database_set_error(db, error);
  /* Resetting only repeats what the step said, and clearing cannot fail. */
  (void)sqlite3_reset(binder->stmt);
  (void)sqlite3_clear_bindings(binder->stmt);
  return done;
}
