#include "tables/source.h"
#include "watchdog/store/history.h"
#include "watchdog/store/status.h"

const TableSource table_sources[TABLE_N_SOURCES] = {
    {
        .table = &wd_process_table,
        .file = WD_STATUS_FILE,
        .in_state_dir = FALSE,
        .schema = &wd_schema_status,
        /* What a dead watchdog last knew of its children is shown as it is: whether they live on
         * nobody knows, and their osquery's watchdog being gone is what matters. */
        .computed = "state",
        .expression = "CASE WHEN role = 'watchdog' AND state <> 'stopped'"
                      " AND watchdog_lost(pid, start_ticks, last_check_us)"
                      " THEN 'unresponsive' ELSE state END",
    },
    {
        .table = &wd_event_table,
        .file = WD_HISTORY_FILE,
        .in_state_dir = TRUE,
        .schema = &wd_schema_history,
    },
    {
        .table = &wd_sample_table,
        .file = WD_STATUS_FILE,
        .in_state_dir = FALSE,
        .schema = &wd_schema_status,
    },
};

static const WdTable *const definitions[TABLE_N_SOURCES] = {
    &wd_process_table,
    &wd_event_table,
    &wd_sample_table,
};

const WdTable *const *
table_definitions(guint *n)
{
  *n = TABLE_N_SOURCES;
  return definitions;
}

const WdTable *
table_definition_find(const char *name)
{
  for (guint i = 0; i < TABLE_N_SOURCES; i++)
    if (g_str_equal(definitions[i]->name, name))
      return definitions[i];
  return NULL;
}

guint
table_source_index(const WdTable *table)
{
  for (guint i = 0; i < TABLE_N_SOURCES; i++)
    if (table_sources[i].table == table)
      return i;
  g_assert_not_reached();
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
