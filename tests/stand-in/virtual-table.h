/* Tables whose rows someone makes anew for every scan, as SQLite virtual tables. Plans and filters
 * as osquery/sql/virtual_table.cpp does, for what an extension gets to see depends on it.
 *
 * Not done: aliases of columns and tables, writable tables. */
#pragma once

#include <sqlite3.h>

#include "tests/stand-in/table.h"

G_BEGIN_DECLS

/* Makes the rows. @context: the JSON of context.h.
 * Returns: a GPtrArray of GHashTable (text to text; NULL is an absent key), or NULL with @error,
 * whose message becomes the query's. */
typedef GPtrArray *(*StandGenerate)(const StandTable *table, const char *context,
                                    gpointer user_data, GError **error);

typedef struct {
  StandGenerate generate;
  gpointer user_data;
} StandSource;

/* Makes @table known to @db. @source: borrowed, must outlive @db. Returns: SQLite's code. */
int stand_virtual_table_attach(sqlite3 *db, StandTable *table, const StandSource *source);

G_END_DECLS
