#include "tables/source.h"
#include "watchdog/store/status.h"

#define KEY (TABLE_OPTION_INDEX | TABLE_OPTION_OPTIMIZED)

static const TableColumn process_columns[] = {
    {"name", TABLE_TEXT, TABLE_OPTION_NONE},
    {"role", TABLE_TEXT, TABLE_OPTION_NONE},
    {"path", TABLE_TEXT, TABLE_OPTION_NONE},
    {"pid", TABLE_BIGINT, TABLE_OPTION_INDEX},
    {"state", TABLE_TEXT, TABLE_OPTION_NONE},
    {"start_time", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"restarts", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"terminations", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"quick_exits", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"restart_limit", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"next_start_time", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"user_time", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"system_time", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"utilization", TABLE_DOUBLE, TABLE_OPTION_NONE},
    {"utilization_limit", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"sustained_latency", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"latency_limit", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"resident_size", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"footprint", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"baseline_size", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"peak_footprint", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"memory_limit", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"enforced", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"last_check_time", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"last_exit_code", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"last_exit_signal", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"registered", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"uuid", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"responsive", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"version", TABLE_TEXT, TABLE_OPTION_NONE},
    {"last_eid", TABLE_BIGINT, TABLE_OPTION_NONE},
};

static const TableColumn event_columns[] = {
    {"eid", TABLE_BIGINT, KEY},
    {"time", TABLE_BIGINT, TABLE_OPTION_ADDITIONAL},
    {"run_id", TABLE_TEXT, TABLE_OPTION_NONE},
    {"event", TABLE_TEXT, TABLE_OPTION_ADDITIONAL},
    {"role", TABLE_TEXT, TABLE_OPTION_NONE},
    {"name", TABLE_TEXT, TABLE_OPTION_NONE},
    {"path", TABLE_TEXT, TABLE_OPTION_NONE},
    {"pid", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"reason", TABLE_TEXT, TABLE_OPTION_NONE},
    {"measured", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"limit_value", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"unit", TABLE_TEXT, TABLE_OPTION_NONE},
    {"utilization", TABLE_DOUBLE, TABLE_OPTION_NONE},
    {"utilization_limit", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"sustained", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"outcome", TABLE_TEXT, TABLE_OPTION_NONE},
    {"exit_code", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"exit_signal", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"signals_sent", TABLE_TEXT, TABLE_OPTION_NONE},
    {"duration_ms", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"lifetime_ms", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"delay", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"restarts", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"query_name", TABLE_TEXT, TABLE_OPTION_NONE},
    {"query", TABLE_TEXT, TABLE_OPTION_NONE},
    {"cause_eid", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"details", TABLE_TEXT, TABLE_OPTION_NONE},
    {"message", TABLE_TEXT, TABLE_OPTION_NONE},
};

static const TableColumn sample_columns[] = {
    {"time", TABLE_BIGINT, TABLE_OPTION_ADDITIONAL},
    {"name", TABLE_TEXT, TABLE_OPTION_NONE},
    {"pid", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"utilization", TABLE_DOUBLE, TABLE_OPTION_NONE},
    {"resident_size", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"footprint", TABLE_BIGINT, TABLE_OPTION_NONE},
    {"utilization_limit", TABLE_INTEGER, TABLE_OPTION_NONE},
    {"memory_limit", TABLE_BIGINT, TABLE_OPTION_NONE},
};

const TableSource table_sources[TABLE_N_SOURCES] = {
    {
        .definition = {"watchdog_processes", process_columns, G_N_ELEMENTS(process_columns)},
        .file = WD_STATUS_FILE,
        .in_state_dir = FALSE,
        .schema = &wd_schema_status,
        .from = "processes",
        .key = "id",
        /* What a dead watchdog last knew of its children is shown as it is: whether they live on
         * nobody knows, and their osquery's watchdog being gone is what matters. */
        .computed = "state",
        .expression = "CASE WHEN role = 'watchdog' AND state <> 'stopped'"
                      " AND watchdog_lost(pid, start_ticks, last_check_us)"
                      " THEN 'unresponsive' ELSE state END",
    },
    {
        .definition = {"watchdog_events", event_columns, G_N_ELEMENTS(event_columns)},
        .file = WD_HISTORY_FILE,
        .in_state_dir = TRUE,
        .schema = &wd_schema_history,
        .from = "events",
        .key = "eid",
    },
    {
        .definition = {"watchdog_samples", sample_columns, G_N_ELEMENTS(sample_columns)},
        .file = WD_STATUS_FILE,
        .in_state_dir = FALSE,
        .schema = &wd_schema_status,
        .from = "samples",
        .key = "id",
    },
};

static const TableDefinition *const definitions[TABLE_N_SOURCES] = {
    &table_sources[0].definition,
    &table_sources[1].definition,
    &table_sources[2].definition,
};

const TableDefinition *const *
table_definitions(guint *n)
{
  *n = TABLE_N_SOURCES;
  return definitions;
}

const TableDefinition *
table_definition_find(const char *name)
{
  for (guint i = 0; i < TABLE_N_SOURCES; i++)
    if (g_str_equal(table_sources[i].definition.name, name))
      return &table_sources[i].definition;
  return NULL;
}

guint
table_source_index(const TableDefinition *table)
{
  for (guint i = 0; i < TABLE_N_SOURCES; i++)
    if (&table_sources[i].definition == table)
      return i;
  g_assert_not_reached();
}

const char *
table_type_name(TableType type)
{
  switch (type) {
  case TABLE_TEXT:
    return "TEXT";
  case TABLE_INTEGER:
    return "INTEGER";
  case TABLE_BIGINT:
    return "BIGINT";
  case TABLE_DOUBLE:
    return "DOUBLE";
  }
  g_assert_not_reached();
}

char *
table_create_statement(const TableDefinition *table)
{
  GString *sql = g_string_new("CREATE TABLE ");
  g_string_append(sql, table->name);
  for (guint i = 0; i < table->n_columns; i++)
    g_string_append_printf(sql, "%s%s %s", i == 0 ? "(" : ", ", table->columns[i].name,
                           table_type_name(table->columns[i].type));
  g_string_append_c(sql, ')');
  return g_string_free(sql, FALSE);
}
