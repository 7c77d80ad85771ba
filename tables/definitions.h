/* The tables of this project, and their columns. */
#pragma once

#include "watchdog/core/event/column.h"

G_BEGIN_DECLS

/* The name that osquery uses for @type, e.g. "BIGINT". Static. */
const char *table_type_name(WdColumnType type);

/* All tables; @n: how many. Static. */
const WdTable *const *table_definitions(guint *n);

/* NULL when there is no such table. */
const WdTable *table_definition_find(const char *name);

/* The index of the column @name among those that @table shows; n_columns when there is none. NULL
 * is no column's name. */
guint table_column_index(const WdTable *table, const char *name);

/* "CREATE TABLE watchdog_events(eid BIGINT, …)", as SQLite takes it for a virtual table. Newly
 * allocated. */
char *table_create_statement(const WdTable *table);

G_END_DECLS
