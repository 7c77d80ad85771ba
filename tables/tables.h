/* The tables of this project: what columns they have, and their rows as a cursor over the store.
 *
 * Rows are pulled value by value straight from SQLite, so a full scan needs constant memory;
 * whoever pulls (the extension's reply, ctl's virtual table) decides where the values go. */
#pragma once

#include "watchdog/core/event/column.h"

#include <glib.h>

G_BEGIN_DECLS

/* The name that osquery uses for @type, e.g. "BIGINT". Static. */
const char *table_type_name(WdColumnType type);

/* All tables; @n: how many. Static. */
const WdTable *const *table_definitions(guint *n);

/* NULL when there is no such table. */
const WdTable *table_definition_find(const char *name);

/* "CREATE TABLE watchdog_events(eid BIGINT, …)", as SQLite takes it for a virtual table. Newly
 * allocated. */
char *table_create_statement(const WdTable *table);

/* osquery's operators (osquery/core/tables.h, ConstraintOperator), which are SQLite's. */
typedef enum {
  TABLE_OP_EQ = 2,
  TABLE_OP_GT = 4,
  TABLE_OP_LE = 8,
  TABLE_OP_LT = 16,
  TABLE_OP_GE = 32,
} TableOperator;

typedef struct {
  guint column; /* index into columns */
  TableOperator op;
  char *value; /* owned text, as SQLite would convert it */
} TableConstraint;

/* What a query asks of a table. Only constraints on columns with options are made use of.
 * Constraints on one column: several TABLE_OP_EQ mean OR, everything else means AND; the asker
 * filters again, so that a superset of the rows is right. */
typedef struct {
  GArray *constraints;  /* of TableConstraint */
  guint64 columns_used; /* bit i: column i is read; a column outside may come back NULL */
} TableQuery;

/* No constraints, all columns. */
TableQuery *table_query_new(void);
void table_query_add(TableQuery *query, guint column, TableOperator op, const char *value);
void table_query_free(TableQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableQuery, table_query_free)

/* Where the rows come from. Opens the files when they are first needed, and again when they have
 * been replaced. */
typedef struct TableStore TableStore;
TableStore *table_store_new(const char *state_dir, const char *runtime_dir);

/* A step of a cursor may take long when the history is: then @breathe is called every few
 * milliseconds. It must not use the store. */
void table_store_set_breather(TableStore *store, void (*breathe)(gpointer user_data),
                              gpointer user_data);

/* The file that @table is read from, absolute. Without that file the table is empty. */
const char *table_store_path(const TableStore *store, const WdTable *table);

/* From now on a cursor fails where the file is missing, because the directory may be a wrong one.
 */
void table_store_demand_files(TableStore *store);

/* Cursors must have been freed before. */
void table_store_free(TableStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableStore, table_store_free)

typedef struct TableCursor TableCursor;

/* Starts reading; events come ordered by eid, processes as the watchdog lists them, samples as they
 * were made. @store must outlive the cursor, @query need not. Returns: NULL with @error (one line
 * for people). */
TableCursor *table_cursor_open(TableStore *store, const WdTable *table, const TableQuery *query,
                               GError **error);
void table_cursor_free(TableCursor *cursor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableCursor, table_cursor_free)

typedef enum {
  TABLE_ROW,
  TABLE_END,
  TABLE_FAILED, /* @error is set; the cursor is only good for freeing */
} TableStep;
TableStep table_cursor_next(TableCursor *cursor, GError **error);

/* The value of column @column (index into the definition) of the present row as text: valid UTF-8
 * without NUL, NULL for SQL NULL; valid until the next step. @length: its bytes. */
const char *table_cursor_text(TableCursor *cursor, guint column, gsize *length);

/* The same as a number; only for columns of a numeric type, and only when not NULL. */
gint64 table_cursor_int64(TableCursor *cursor, guint column);
double table_cursor_double(TableCursor *cursor, guint column);
gboolean table_cursor_is_null(TableCursor *cursor, guint column);

G_END_DECLS
