/* Read-only access to history.db and status.db, for any number of readers; never blocks the writer. */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* Opens the database at @path read-only, checks that it is ours and of a schema version that we know.
 * @error: one line with the path and the exact failed check (missing, no permission, no database,
 * newer schema, -wal missing …); domain G_IO_ERROR (NOT_FOUND when the file is missing).
 * Returns: a connection to close with sqlite3_close(), or NULL. */
sqlite3 *wd_reader_open(const char *path, GError **error);

G_END_DECLS
