/* The definition of a table, whoever has its rows: the worker itself or an extension. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* osquery/core/tables.h, ColumnOptions. */
enum {
  STAND_COLUMN_INDEX = 1,
  STAND_COLUMN_REQUIRED = 2,
  STAND_COLUMN_ADDITIONAL = 4,
  STAND_COLUMN_OPTIMIZED = 8,
  STAND_COLUMN_HIDDEN = 16,
};

typedef enum {
  STAND_TYPE_UNKNOWN,
  STAND_TYPE_TEXT,
  STAND_TYPE_INTEGER,
  STAND_TYPE_BIGINT,
  STAND_TYPE_UNSIGNED_BIGINT,
  STAND_TYPE_DOUBLE,
  STAND_TYPE_BLOB,
} StandType;

/* osquery's name for @type, "UNKNOWN" included. Static. */
const char *stand_type_name(StandType type);
StandType stand_type_of(const char *name);

typedef struct {
  char *name; /* owned */
  StandType type;
  guint options;
} StandColumn;

/* Immutable once built, shared by reference between threads. */
typedef struct {
  char *name;
  GArray *columns; /* of StandColumn */
  gint64 uuid;     /* the extension that has the rows; 0: the worker itself */
} StandTable;

/* An empty definition. */
StandTable *stand_table_new(const char *name, gint64 uuid);
void stand_table_add_column(StandTable *table, const char *name, StandType type, guint options);
StandTable *stand_table_ref(StandTable *table);
void stand_table_unref(StandTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandTable, stand_table_unref)

const StandColumn *stand_table_column(const StandTable *table, guint i);

/* Adds what a registration, or the answer to {"action": "columns"}, says of the columns.
 * @route: of GHashTable (text to text); entries that are no column are passed over. */
void stand_table_add_route(StandTable *table, const GPtrArray *route);

/* The statement that declares the table to SQLite (osquery/core/tables.cpp, columnDefinition).
 * Newly allocated. */
char *stand_table_statement(const StandTable *table);

/* The bits that decide which constraints an extension gets to see: a column that has none at all
 * counts as INDEX, for osquery's --extensions_default_index is true. */
guint stand_column_effective_options(const StandTable *table, const StandColumn *column);

G_END_DECLS
