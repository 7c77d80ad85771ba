#include "thrift/table.h"

static GHashTable *
row_new(const char *id)
{
  GHashTable *row = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert(row, g_strdup("id"), g_strdup(id));
  return row;
}

GPtrArray *
wire_table_route(const WireTable *table)
{
  GPtrArray *route = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
  for (guint i = 0; i < table->n_columns; i++) {
    const WireColumn *column = &table->columns[i];
    GHashTable *row = row_new("column");
    g_hash_table_insert(row, g_strdup("name"), g_strdup(column->name));
    g_hash_table_insert(row, g_strdup("type"), g_strdup(column->type));
    g_hash_table_insert(row, g_strdup("op"), g_strdup_printf("%u", column->options));
    g_ptr_array_add(route, row);
  }
  GHashTable *attributes = row_new("attributes");
  g_hash_table_insert(attributes, g_strdup("attributes"), g_strdup("0"));
  g_ptr_array_add(route, attributes);
  return route;
}
