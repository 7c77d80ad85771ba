/* What a query asks of a table, as the JSON that osquery hands to the table's extension
 * (osquery/core/tables.cpp, setRequestFromContext). */
#pragma once

#include "tests/stand-in/table.h"

G_BEGIN_DECLS

typedef struct {
  guint column; /* index into the table's columns */
  guint op;     /* osquery's number, which is SQLite's */
  char *expr;   /* owned */
} StandConstraint;

/* An empty array of StandConstraint that frees what is in it. */
GArray *stand_constraints_new(void);

/* @columns_used: SQLite's colUsed: bit i for column i, bit 63 for all from there on.
 * The columns stand in the order of their names, as in osquery's map; colsUsed in the table's order
 * (osquery's order there is that of a hash table: any). Newly allocated. */
char *stand_context_json(const StandTable *table, const GArray *constraints, guint64 columns_used);

G_END_DECLS
