/* Writes rows as their columns describe them (core/event/column.h). Used inside the store only. */
#pragma once

#include "watchdog/core/event/column.h"
#include "watchdog/store/database.h"

G_BEGIN_DECLS

/* "eid, time, …": the key, then the other columns. Newly allocated.
 * @db: NULL, or a database of an older version: NULL stands in place of what it lacks. */
char *wd_row_columns(const WdTable *table, sqlite3 *db);

/* The statement "@verb INTO …(…) VALUES(…)@conflict", its parameters those of wd_row_columns().
 * @verb: INSERT or REPLACE. @conflict: " ON CONFLICT…", or "".
 * Returns: NULL with @error in WD_STORE_ERROR. */
sqlite3_stmt *wd_row_prepare(sqlite3 *db, const WdTable *table, const char *verb,
                             const char *conflict, GError **error);

/* Fills in the parameters of a statement from wd_row_prepare(). Fill in a key that is no column
 * before.
 * @row: the struct whose members the columns are; must stay until the statement has run.
 * @run_id: likewise; NULL where no column needs it.
 * @base: what this run's seqs are added to; WD_NONE while it isn't known: NULL is stored then. */
void wd_row_bind(WdBinder *binder, const WdTable *table, gconstpointer row, const char *run_id,
                 gint64 base);

G_END_DECLS
