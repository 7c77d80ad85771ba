#include "tables/query.h"

TableQuery *
table_query_new(void)
{
  TableQuery *query = g_new0(TableQuery, 1);
  query->constraints = g_array_new(FALSE, FALSE, sizeof(TableConstraint));
  query->columns_used = G_MAXUINT64;
  return query;
}

void
table_query_add(TableQuery *query, guint column, TableOperator op, const char *value)
{
  TableConstraint constraint = {.column = column, .op = op, .value = g_strdup(value)};
  g_array_append_val(query->constraints, constraint);
}

void
table_query_free(TableQuery *query)
{
  if (query == NULL)
    return;
  for (guint i = 0; i < query->constraints->len; i++)
    g_free(g_array_index(query->constraints, TableConstraint, i).value);
  g_array_unref(query->constraints);
  g_free(query);
}
