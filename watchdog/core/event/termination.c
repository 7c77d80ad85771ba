#include "watchdog/core/event/termination.h"

#define DERIVED(column, osquery_type, ...) \
  .name = column, .type = WD_TYPE_##osquery_type, .value = WD_VALUE_DERIVED, .meaning = __VA_ARGS__

static const WdColumn columns[] = {
    {DERIVED("time", BIGINT, "when it ended"), .options = WD_OPTION_ADDITIONAL},
    {DERIVED("name", TEXT, "the process's name")},
    {DERIVED("role", TEXT, "`worker`, `extension`")},
    {DERIVED("pid", BIGINT, "its process id"), .options = WD_OPTION_INDEX},
    {DERIVED("reason", TEXT, "as in watchdog_events"), .options = WD_OPTION_ADDITIONAL},
    {DERIVED("origin", TEXT,
             "who asked for the query that the worker was executing: `schedule`, `distributed` (a "
             "server), `extension` (through its socket); NULL: not known")},
    {DERIVED("query_name", TEXT,
             "that query's name; for a distributed one, the ID by which the server knows it")},
    {DERIVED("query", TEXT, "its SQL, at most 16 kB of it")},
    {DERIVED("measured", BIGINT, "what was measured, in `unit`")},
    {DERIVED("limit_value", BIGINT, "the limit that it was measured against, in `unit`")},
    {DERIVED("unit", TEXT, "`bytes` or `ms`, as in watchdog_events")},
    {DERIVED("peak", BIGINT, "bytes: the greatest footprint that was seen")},
    {DERIVED("sustained", INTEGER, "how many seconds it was over the limit (reason cpu)")},
    {DERIVED("signals_sent", TEXT, "in the order in which they were sent: `USR1,TERM,KILL`")},
    {DERIVED("outcome", TEXT,
             "`graceful`, `killed`, `stuck`, `interrupted`: as in watchdog_events; "
             "NULL: the watchdog didn't end it")},
    {DERIVED("exit_code", INTEGER, "NULL if a signal ended it")},
    {DERIVED("exit_signal", INTEGER, "NULL if it exited by itself")},
    {DERIVED("core_dumped", INTEGER, "as in watchdog_events")},
    {DERIVED("last_output", TEXT,
             "the last lines that it wrote to stderr: at most 20, at most 4 kB")},
    {DERIVED("lifetime_ms", BIGINT, "how long it had lived")},
    {DERIVED("duration_ms", BIGINT, "from the first signal until it was gone")},
    {DERIVED("downtime_ms", BIGINT,
             "how long it took until its successor was started; NULL: there is none yet")},
    {DERIVED(
        "denylisted", TEXT,
        "the names of the scheduled queries that osquery denylisted because of it, separated by "
        "`, `")},
    {DERIVED("thread", TEXT, "the name of its busiest thread when it exceeded its limit")},
    {DERIVED("eid", BIGINT, "the event that records the end: process_terminated, process_exited"),
     .options = WD_OPTION_INDEX | WD_OPTION_OPTIMIZED},
    {DERIVED("cause_eid", BIGINT, "the event that led to it, such as limit_exceeded")},
    {DERIVED("run_id", TEXT, "one for each start of the watchdog")},
};

const WdTable wd_termination_table = {
    .name = "watchdog_terminations",
    .columns = columns,
    .n_columns = G_N_ELEMENTS(columns),
    .stored = "terminations",
    .key = "eid",
};
