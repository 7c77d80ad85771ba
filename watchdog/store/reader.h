/* Reads history.db and status.db, for any number of readers; they never block the writer. */
#pragma once

#include "watchdog/store/schema.h"

G_BEGIN_DECLS

/* Opens the database at @path, an absolute path, read-only, and checks that it has @schema in a
 * version that we know. A database without its -wal file is read as it is; later changes need a new
 * opening.
 * @error: one line with the path and the exact failed check (missing, no permission, no database,
 * newer schema, -wal missing …), domain WD_STORE_ERROR; WD_STORE_ERROR_MISSING when there is no
 * file, or an empty one.
 * Returns: a connection to close with sqlite3_close_v2(), or NULL. */
sqlite3 *wd_reader_open(const char *path, const WdSchema *schema, GError **error);

/* Whether the database at @path has its -wal file. */
gboolean wd_reader_has_wal(const char *path);

G_END_DECLS
