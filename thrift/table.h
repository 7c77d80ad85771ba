/* A table as osquery knows it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const char *name;
  const char *type; /* osquery's name: "BIGINT" … */
  guint options;    /* osquery's bits */
} WireColumn;

typedef struct {
  const char *name;
  const WireColumn *columns;
  guint n_columns;
} WireTable;

/* Describes @table as osquery expects it at registration and in reply to `columns`: one row for
 * each column, and one of attributes. Returns: a GPtrArray of GHashTable (text to text). */
GPtrArray *wire_table_route(const WireTable *table);

G_END_DECLS
