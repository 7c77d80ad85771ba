#include "tables/definitions.h"

#include "watchdog/core/event/event.h"
#include "watchdog/core/event/process-status.h"
#include "watchdog/core/event/setting.h"
#include "watchdog/core/event/termination.h"

static const WdTable *const definitions[] = {
    &wd_process_table, &wd_event_table, &wd_sample_table, &wd_termination_table, &wd_setting_table,
};

const WdTable *const *
table_definitions(guint *n)
{
  *n = G_N_ELEMENTS(definitions);
  return definitions;
}

const WdTable *
table_definition_find(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(definitions); i++)
    if (g_str_equal(definitions[i]->name, name))
      return definitions[i];
  return NULL;
}

guint
table_column_index(const WdTable *table, const char *name)
{
  guint i = 0;
  while (i < table->n_columns && g_strcmp0(table->columns[i].name, name) != 0)
    i++;
  return i;
}

const char *
table_type_name(WdColumnType type)
{
  switch (type) {
  case WD_TYPE_TEXT:
    return "TEXT";
  case WD_TYPE_INTEGER:
    return "INTEGER";
  case WD_TYPE_BIGINT:
    return "BIGINT";
  case WD_TYPE_DOUBLE:
    return "DOUBLE";
  }
  g_assert_not_reached();
}

char *
table_create_statement(const WdTable *table)
{
  GString *sql = g_string_new("CREATE TABLE ");
  g_string_append(sql, table->name);
  for (guint i = 0; i < table->n_columns; i++)
    g_string_append_printf(sql, "%s%s %s", i == 0 ? "(" : ", ", table->columns[i].name,
                           table_type_name(table->columns[i].type));
  g_string_append_c(sql, ')');
  return g_string_free(sql, FALSE);
}
