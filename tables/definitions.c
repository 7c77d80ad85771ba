#include "tables/source.h"
#include "watchdog/store/history.h"
#include "watchdog/store/status.h"

#define KEY (TABLE_OPTION_INDEX | TABLE_OPTION_OPTIMIZED)

static const TableColumn process_columns[] = {
    {"name", TABLE_TEXT, TABLE_OPTION_NONE,
     "`watchdog`, `worker`, or the extension's file name (its path, where two files have one "
     "name)",
     NULL},
    {"role", TABLE_TEXT, TABLE_OPTION_NONE, "`watchdog`, `worker`, `extension`", NULL},
    {"path", TABLE_TEXT, TABLE_OPTION_NONE, "the program", NULL},
    {"pid", TABLE_BIGINT, TABLE_OPTION_INDEX, "the process", "not running"},
    {"state", TABLE_TEXT, TABLE_OPTION_NONE, "see below", NULL},
    {"start_time", TABLE_BIGINT, TABLE_OPTION_NONE, "when this process was started", "not running"},
    {"restarts", TABLE_INTEGER, TABLE_OPTION_NONE,
     "starts since the watchdog's own, less the first", "the watchdog"},
    {"terminations", TABLE_INTEGER, TABLE_OPTION_NONE,
     "how often it was ended for a limit, since the watchdog's start", "the watchdog"},
    {"quick_exits", TABLE_INTEGER, TABLE_OPTION_NONE,
     "exits before the quick-exit age (4 s) since the last run of a minute", "the watchdog"},
    {"restart_limit", TABLE_INTEGER, TABLE_OPTION_NONE, "how many quick exits are allowed",
     "the watchdog; observing: extensions too, and until the worker's flags are known"},
    {"next_start_time", TABLE_BIGINT, TABLE_OPTION_NONE, "when it is due to be started",
     "not waiting, or observing"},
    {"user_time", TABLE_BIGINT, TABLE_OPTION_NONE, "CPU ms in user mode since its start",
     "not running, or not checked yet"},
    {"system_time", TABLE_BIGINT, TABLE_OPTION_NONE, "CPU ms in the kernel since its start",
     "as user_time"},
    {"utilization", TABLE_DOUBLE, TABLE_OPTION_NONE,
     "% of all CPUs between the last two regular checks", "before the first regular check"},
    {"utilization_limit", TABLE_INTEGER, TABLE_OPTION_NONE,
     "% of all CPUs; used longer than `latency_limit` it is too much",
     "observing: the watcher, and until the worker's flags are known"},
    {"sustained_latency", TABLE_INTEGER, TABLE_OPTION_NONE,
     "for how many seconds, check by check, it has been over `utilization_limit`", "not running"},
    {"latency_limit", TABLE_INTEGER, TABLE_OPTION_NONE,
     "how many seconds over the limit are too many", "as utilization_limit"},
    {"resident_size", TABLE_BIGINT, TABLE_OPTION_NONE, "resident memory",
     "not running, or not checked yet"},
    {"footprint", TABLE_BIGINT, TABLE_OPTION_NONE,
     "what `memory_limit` is applied to (`--memory_metric`)", "not running, or not known yet"},
    {"baseline_size", TABLE_BIGINT, TABLE_OPTION_NONE, "the resident size that growth counts from",
     "not running, or not taken yet"},
    {"peak_footprint", TABLE_BIGINT, TABLE_OPTION_NONE, "the greatest footprint of this process",
     "as footprint"},
    {"memory_limit", TABLE_BIGINT, TABLE_OPTION_NONE, "the limit",
     "observing: until the worker's flags are known"},
    {"enforced", TABLE_INTEGER, TABLE_OPTION_NONE,
     "1: going over a limit ends it. 0: watchdog_delay still runs, its kind is not watched, "
     "limits are off, or it is a dry run",
     NULL},
    {"last_check_time", TABLE_BIGINT, TABLE_OPTION_NONE, "when it was last measured",
     "not running, or not checked yet"},
    {"last_exit_code", TABLE_INTEGER, TABLE_OPTION_NONE, "of the process before this one",
     "ended by a signal, or none has ended"},
    {"last_exit_signal", TABLE_INTEGER, TABLE_OPTION_NONE,
     "the signal that ended the process before this one", "it exited by itself, or none has ended"},
    {"registered", TABLE_INTEGER, TABLE_OPTION_NONE, "whether the worker lists the extension",
     "not known, or no extension"},
    {"uuid", TABLE_BIGINT, TABLE_OPTION_NONE, "the extension's registration", "as registered"},
    {"responsive", TABLE_INTEGER, TABLE_OPTION_NONE, "whether it answers pings", "not known"},
    {"version", TABLE_TEXT, TABLE_OPTION_NONE, "its version", "not known"},
    {"last_eid", TABLE_BIGINT, TABLE_OPTION_NONE, "the newest event about it", "none in this run"},
};

static const TableColumn event_columns[] = {
    {"eid", TABLE_BIGINT, KEY, "the event's number", NULL},
    {"time", TABLE_BIGINT, TABLE_OPTION_ADDITIONAL, "when it happened", NULL},
    {"run_id", TABLE_TEXT, TABLE_OPTION_NONE, "one for each start of the watchdog", NULL},
    {"event", TABLE_TEXT, TABLE_OPTION_ADDITIONAL, "what happened: see below", NULL},
    {"role", TABLE_TEXT, TABLE_OPTION_NONE, "`watchdog`, `worker`, `extension`: whom it is about",
     NULL},
    {"name", TABLE_TEXT, TABLE_OPTION_NONE, "likewise", NULL},
    {"path", TABLE_TEXT, TABLE_OPTION_NONE, "likewise", NULL},
    {"pid", TABLE_BIGINT, TABLE_OPTION_NONE, "likewise", NULL},
    {"reason", TABLE_TEXT, TABLE_OPTION_NONE, "see below", NULL},
    {"measured", TABLE_BIGINT, TABLE_OPTION_NONE, "what was measured, in `unit`", NULL},
    {"limit_value", TABLE_BIGINT, TABLE_OPTION_NONE, "what it was measured against, in `unit`",
     NULL},
    {"unit", TABLE_TEXT, TABLE_OPTION_NONE,
     "`bytes` (memory), `ms` (CPU time used and allowed in one check interval)", NULL},
    {"utilization", TABLE_DOUBLE, TABLE_OPTION_NONE,
     "% of all CPUs in the last check interval (reason cpu)", NULL},
    {"utilization_limit", TABLE_INTEGER, TABLE_OPTION_NONE, "% of all CPUs (reason cpu)", NULL},
    {"sustained", TABLE_INTEGER, TABLE_OPTION_NONE,
     "for how many seconds it was over the limit (reason cpu)", NULL},
    {"outcome", TABLE_TEXT, TABLE_OPTION_NONE,
     "`graceful` (gone before SIGKILL), `killed`, `stuck` (gone after it was reported stuck), "
     "`interrupted` (the watchdog crashed before it could tell)",
     NULL},
    {"exit_code", TABLE_INTEGER, TABLE_OPTION_NONE, "NULL if a signal ended it", NULL},
    {"exit_signal", TABLE_INTEGER, TABLE_OPTION_NONE, "NULL if it exited by itself", NULL},
    {"signals_sent", TABLE_TEXT, TABLE_OPTION_NONE, "in this order: `USR1,TERM,KILL`", NULL},
    {"duration_ms", TABLE_BIGINT, TABLE_OPTION_NONE, "from the first signal until it was gone",
     NULL},
    {"lifetime_ms", TABLE_BIGINT, TABLE_OPTION_NONE, "how long it had lived", NULL},
    {"delay", TABLE_INTEGER, TABLE_OPTION_NONE, "seconds until it is started again", NULL},
    {"restarts", TABLE_INTEGER, TABLE_OPTION_NONE, "as in watchdog_processes, at that time", NULL},
    {"query_name", TABLE_TEXT, TABLE_OPTION_NONE, "query_denylisted alone", NULL},
    {"query", TABLE_TEXT, TABLE_OPTION_NONE, "query_denylisted alone", NULL},
    {"cause_eid", TABLE_BIGINT, TABLE_OPTION_NONE, "the event that led to this one", NULL},
    {"details", TABLE_TEXT, TABLE_OPTION_NONE, "JSON, see below", NULL},
    {"message", TABLE_TEXT, TABLE_OPTION_NONE, "the log line", NULL},
};

static const TableColumn sample_columns[] = {
    {"time", TABLE_BIGINT, TABLE_OPTION_ADDITIONAL, "when it was measured", NULL},
    {"name", TABLE_TEXT, TABLE_OPTION_NONE, "as in watchdog_processes", NULL},
    {"pid", TABLE_BIGINT, TABLE_OPTION_NONE, "the process", NULL},
    {"utilization", TABLE_DOUBLE, TABLE_OPTION_NONE, "% of all CPUs since the check before", NULL},
    {"resident_size", TABLE_BIGINT, TABLE_OPTION_NONE, "resident memory", NULL},
    {"footprint", TABLE_BIGINT, TABLE_OPTION_NONE,
     "what `memory_limit` is applied to (`--memory_metric`)", "not known"},
    {"utilization_limit", TABLE_INTEGER, TABLE_OPTION_NONE, "% of all CPUs",
     "as in watchdog_processes"},
    {"memory_limit", TABLE_BIGINT, TABLE_OPTION_NONE, "the limit", "as in watchdog_processes"},
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
