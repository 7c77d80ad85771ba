#include "tests/stand-in/table.h"

#include <string.h>

static const char *const TYPE_NAMES[] = {
    [STAND_TYPE_UNKNOWN] = "UNKNOWN",
    [STAND_TYPE_TEXT] = "TEXT",
    [STAND_TYPE_INTEGER] = "INTEGER",
    [STAND_TYPE_BIGINT] = "BIGINT",
    [STAND_TYPE_UNSIGNED_BIGINT] = "UNSIGNED BIGINT",
    [STAND_TYPE_DOUBLE] = "DOUBLE",
    [STAND_TYPE_BLOB] = "BLOB",
};

const char *
stand_type_name(StandType type)
{
  return TYPE_NAMES[type];
}

StandType
stand_type_of(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(TYPE_NAMES); i++)
    if (strcmp(TYPE_NAMES[i], name) == 0)
      return (StandType)i;
  return STAND_TYPE_UNKNOWN;
}

static void
clear_column(gpointer column)
{
  g_free(((StandColumn *)column)->name);
}

StandTable *
stand_table_new(const char *name, gint64 uuid)
{
  StandTable *table = g_atomic_rc_box_new0(StandTable);
  table->name = g_strdup(name);
  table->uuid = uuid;
  table->columns = g_array_new(FALSE, FALSE, sizeof(StandColumn));
  g_array_set_clear_func(table->columns, clear_column);
  return table;
}

static void
clear_table(gpointer data)
{
  StandTable *table = data;
  g_free(table->name);
  g_array_unref(table->columns);
}

StandTable *
stand_table_ref(StandTable *table)
{
  return g_atomic_rc_box_acquire(table);
}

void
stand_table_unref(StandTable *table)
{
  g_atomic_rc_box_release_full(table, clear_table);
}

void
stand_table_add_column(StandTable *table, const char *name, StandType type, guint options)
{
  StandColumn column = {.name = g_strdup(name), .type = type, .options = options};
  g_array_append_val(table->columns, column);
}

const StandColumn *
stand_table_column(const StandTable *table, guint i)
{
  return &g_array_index(table->columns, StandColumn, i);
}

static const char *
lookup(GHashTable *entry, const char *key)
{
  const char *value = g_hash_table_lookup(entry, key);
  return value != NULL ? value : "";
}

void
stand_table_add_route(StandTable *table, const GPtrArray *route)
{
  for (guint i = 0; i < route->len; i++) {
    GHashTable *entry = g_ptr_array_index(route, i);
    if (strcmp(lookup(entry, "id"), "column") != 0 || !g_hash_table_contains(entry, "name") ||
        !g_hash_table_contains(entry, "type"))
      continue;
    guint64 options = g_ascii_strtoull(lookup(entry, "op"), NULL, 10);
    stand_table_add_column(table, lookup(entry, "name"), stand_type_of(lookup(entry, "type")),
                           (guint)MIN(options, G_MAXUINT));
  }
}

static void
append_name(GString *text, const char *name)
{
  g_auto(GStrv) parts = g_strsplit(name, "`", -1);
  g_autofree char *escaped = g_strjoinv("``", parts);
  g_string_append_printf(text, "`%s`", escaped);
}

char *
stand_table_statement(const StandTable *table)
{
  GString *text = g_string_new("CREATE TABLE ");
  append_name(text, table->name);
  guint all = 0;
  for (guint i = 0; i < table->columns->len; i++)
    all |= stand_table_column(table, i)->options;
  g_string_append(text, "(");
  for (guint i = 0; i < table->columns->len; i++) {
    const StandColumn *column = stand_table_column(table, i);
    g_string_append(text, i > 0 ? ", " : "");
    append_name(text, column->name);
    g_string_append_printf(text, " %s%s", stand_type_name(column->type),
                           (column->options & STAND_COLUMN_HIDDEN) != 0 ? " HIDDEN" : "");
  }
  /* The key is what is indexed or additional; all columns when nothing is indexed. */
  if ((all & (STAND_COLUMN_INDEX | STAND_COLUMN_ADDITIONAL)) != 0) {
    guint key = (all & STAND_COLUMN_INDEX) != 0 ? STAND_COLUMN_INDEX | STAND_COLUMN_ADDITIONAL : 0;
    const char *separator = ", PRIMARY KEY (";
    for (guint i = 0; i < table->columns->len; i++) {
      const StandColumn *column = stand_table_column(table, i);
      if (key != 0 && (column->options & key) == 0)
        continue;
      g_string_append(text, separator);
      append_name(text, column->name);
      separator = ", ";
    }
    g_string_append(text, ")");
  }
  g_string_append(text, ")");
  return g_string_free(text, FALSE);
}

guint
stand_column_effective_options(const StandTable *table, const StandColumn *column)
{
  return table->uuid != 0 && column->options == 0 ? STAND_COLUMN_INDEX : column->options;
}
