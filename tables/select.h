/* Turns a TableQuery into SQL on the store's files. Pure. Inside tables/ only. */
#pragma once

#include "tables/query.h"
#include "tables/source.h"

G_BEGIN_DECLS

/* A value to bind: the text, or the number where the text is NULL. */
typedef struct {
  const char *text; /* borrowed from the query */
  gint64 number;
} TableValue;

typedef struct {
  char *sql;
  GArray *values;    /* of TableValue, one for each parameter */
  gint8 results[64]; /* column of the table → column of the result, -1: not selected */
} TableSelect;

/* @columns: bit set: the table's columns that the file has; the others are NULL. One with options
 * is never missing. A constraint that can't be used is left out: too many rows are right, too few
 * never are. */
TableSelect *table_select_new(const TableSource *source, const TableQuery *query, guint64 columns);
void table_select_free(TableSelect *select);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TableSelect, table_select_free)

G_END_DECLS
