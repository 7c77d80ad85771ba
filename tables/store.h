/* The files that the tables are read from. They are opened when they are first needed, and again
 * when they have been replaced. */
#pragma once

#include "watchdog/core/event/column.h"

#include <sqlite3.h>

G_BEGIN_DECLS

typedef struct TableStore TableStore;
TableStore *table_store_new(const char *state_dir, const char *runtime_dir);

/* A step of a cursor may take long because the history is long. During it, @breathe is called every
 * few milliseconds. It must not use the store. */
void table_store_set_breather(TableStore *store, void (*breathe)(gpointer user_data),
                              gpointer user_data);

/* The file that @table is read from, absolute. Without that file the table is empty. */
const char *table_store_path(const TableStore *store, const WdTable *table);

/* From now on a cursor fails where the file is missing, because the directory may be a wrong one.
 */
void table_store_demand_files(TableStore *store);

/* From now on a file in a directory that @may_read refuses is as if it were missing. It is asked
 * before each use, with the directory's absolute path. */
void table_store_guard(TableStore *store,
                       gboolean (*may_read)(const char *directory, gpointer user_data),
                       gpointer user_data);

/* For cursor.c: the connection to the file of table_sources[@source] as it is now.
 * @db: set to NULL when there is no such file, unless files are demanded, or when it is of a
 * version that lacks the table; stays the store's.
 * @columns: set to the bits of those columns of the table that the file has; it may be of an older
 * version.
 * Returns: FALSE with @error when the file can't be used. */
gboolean table_store_connect(TableStore *store, guint source, sqlite3 **db, guint64 *columns,
                             GError **error);

/* Cursors must have been freed before. */
void table_store_free(TableStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableStore, table_store_free)

G_END_DECLS
