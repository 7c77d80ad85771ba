/* A query's request to a table: which rows and columns it reads. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

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

/* Constraints matter only on columns with options. Several TABLE_OP_EQ on one column mean OR;
 * everything else means AND. A superset of the rows is right, because the caller filters again. */
typedef struct {
  GArray *constraints;  /* of TableConstraint */
  guint64 columns_used; /* bit i: column i is read; a column outside may come back NULL */
} TableQuery;

/* No constraints, all columns. */
TableQuery *table_query_new(void);
void table_query_add(TableQuery *query, guint column, TableOperator op, const char *value);
void table_query_free(TableQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableQuery, table_query_free)

G_END_DECLS
