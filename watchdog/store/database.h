/* The base of the store's files: opening them safely, errors in the store's terms, and filling in
 * rows. Used inside the store and by tables/. */
#pragma once

#include "watchdog/store/store-error.h"

#include <sqlite3.h>

G_BEGIN_DECLS

/* Closing with statements left is put off until they are finalized. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3, sqlite3_close_v2)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/* Before the process's first connection: SQLite allocates memory only when it needs it. In advance
 * it would take 200 kB for each connection, which pays for many queries but not for a writer's few
 * statements. */
void wd_database_keep_small(void);

/* Opens @path for writing. A missing file is created with mode 0600 whatever the umask (SQLite
 * gives the -wal and -shm the mode of the main file). Nothing is read or written yet. Returns: NULL
 * with WD_STORE_ERROR_IO when it can't be opened, or when it is a symbolic link, no regular file,
 * or owned by neither root nor us. */
sqlite3 *wd_database_open(const char *path, GError **error);

/* Runs @sql, one statement or several, ignoring their rows. */
gboolean wd_database_exec(sqlite3 *db, const char *sql, GError **error);

/* Returns: the compiled statement, to be used again and again, or NULL. */
sqlite3_stmt *wd_database_prepare(sqlite3 *db, const char *sql, GError **error);

/* Switches to a write-ahead log, so that readers and the writer never wait for each other. Its file
 * stays when the database is closed, so that a missing one always means an incomplete copy. */
gboolean wd_database_use_wal(sqlite3 *db, GError **error);

/* The integer that @sql yields in its first row, 0 if there is none. */
gboolean wd_database_integer(sqlite3 *db, const char *sql, gint64 *value, GError **error);

/* The text that @sql yields in its first row, newly allocated; NULL with @error. */
char *wd_database_text(sqlite3 *db, const char *sql, GError **error);

/* Whether @table has @column. A file of an older version may lack it. */
gboolean wd_database_has_column(sqlite3 *db, const char *table, const char *column);

/* Undoes the open transaction, if there is one, after a failure. */
void wd_database_rollback(sqlite3 *db);

/* Sets @error from the connection's last failure: one line with the file's path; domain and code in
 * WD_STORE_ERROR. Returns: FALSE. */
gboolean wd_database_set_error(sqlite3 *db, GError **error);

/* Fills in a statement's parameters from the first to the last and runs it. Absent values become
 * NULL. Start with { .stmt = … }. */
typedef struct {
  sqlite3_stmt *stmt;
  int bound;  /* how many parameters are filled in */
  int result; /* of the first filling-in that failed */
} WdBinder;

void wd_bind_integer(WdBinder *binder, gint64 value); /* WD_NONE: NULL */
void wd_bind_real(WdBinder *binder, double value);    /* NAN: NULL */

/* @text: must stay as it is until the statement has run; invalid UTF-8 is repaired in a copy. */
void wd_bind_text(WdBinder *binder, const char *text);

/* Runs the statement, which yields no rows, and empties it for the next time. */
gboolean wd_binder_run(WdBinder *binder, GError **error);

G_END_DECLS
