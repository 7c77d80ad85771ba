#include "watchdog/core/event/process-status.h"

const char *
wd_state_name(WdState state)
{
  switch (state) {
  case WD_STATE_WAITING:
    return "waiting";
  case WD_STATE_RUNNING:
    return "running";
  case WD_STATE_TERMINATING:
    return "terminating";
  case WD_STATE_KILLING:
    return "killing";
  case WD_STATE_STUCK:
    return "stuck";
  case WD_STATE_STOPPED:
    return "stopped";
  case WD_STATE_ABANDONED:
    return "abandoned";
  }
  g_assert_not_reached();
}

const char *
wd_memory_watch_name(WdMemoryWatch watch)
{
  switch (watch) {
  case WD_MEMORY_WATCH_NONE:
    return NULL;
  case WD_MEMORY_WATCH_POLLING:
    return "polling";
  case WD_MEMORY_WATCH_EVENTS:
    return "events";
  }
  g_assert_not_reached();
}

/* The line of a column: its name, osquery's type, the member, what it means, when it is NULL. How
 * the member is stored follows from its type. */
#define STATUS(column, osquery_type, member, ...) \
  .name = column, .type = WD_TYPE_##osquery_type, .offset = offsetof(WdProcessStatus, member),     \
  .meaning = __VA_ARGS__,                                                                          \
  .value = _Generic(((WdProcessStatus *)NULL)->member, gint64: WD_VALUE_INTEGER,                   \
                    double: WD_VALUE_REAL, gboolean: WD_VALUE_BOOLEAN, char *: WD_VALUE_TEXT,      \
                    guint64: WD_VALUE_SEQ, WdRole: WD_VALUE_ROLE, WdState: WD_VALUE_STATE,     \
                    WdMemoryWatch: WD_VALUE_MEMORY_WATCH)

#define N_HIDDEN 2

static const WdColumn process_columns[] = {
    {STATUS("name", TEXT, name,
            "`watchdog`, `worker`, or the extension's file name (its path, if two files share a "
            "name)")},
    {STATUS("role", TEXT, role, "`watchdog`, `worker`, `extension`")},
    {STATUS("path", TEXT, path, "the program", "when observing: a script or a link")},
    {STATUS("pid", BIGINT, pid, "the process", "not running"), .options = WD_OPTION_INDEX},
    {STATUS("state", TEXT, state, "see below")},
    {STATUS("start_time", BIGINT, start_time_s, "when this process was started", "not running")},
    {STATUS("restarts", INTEGER, restarts,
            "starts since the watchdog started, not counting the first", "the watchdog")},
    {STATUS("terminations", INTEGER, terminations,
            "how often it was terminated for a limit since the watchdog started", "the watchdog")},
    {STATUS("quick_exits", INTEGER, quick_exits,
            "exits before the quick-exit age (4 s), since the last run of a minute or more",
            "the watchdog")},
    {STATUS(
        "restart_limit", INTEGER, restart_limit, "how many quick exits are allowed",
        "the watchdog; when observing, also extensions, and the worker until its flags are known")},
    {STATUS("next_start_time", BIGINT, next_start_time_s, "when it is due to be started",
            "not waiting, or when observing")},
    {STATUS("user_time", BIGINT, user_ms, "CPU ms in user mode since its start",
            "not running, or not checked yet")},
    {STATUS("system_time", BIGINT, system_ms, "CPU ms in the kernel since its start",
            "as for user_time")},
    {STATUS("utilization", DOUBLE, utilization, "% of all CPUs between the last two regular checks",
            "before the first regular check")},
    {STATUS("utilization_limit", INTEGER, utilization_limit,
            "% of all CPUs; using more than this for `latency_limit` seconds is too much",
            "when observing: the watcher, and all others until the worker's flags are known")},
    {STATUS("sustained_latency", INTEGER, sustained_latency_s,
            "how many seconds, check by check, it has been over `utilization_limit`",
            "not running")},
    {STATUS("latency_limit", INTEGER, latency_limit_s,
            "how many seconds over `utilization_limit` are too many", "as for utilization_limit")},
    {STATUS("resident_size", BIGINT, resident_bytes, "resident memory",
            "not running, or not checked yet")},
    {STATUS("footprint", BIGINT, footprint_bytes,
            "what `memory_limit` is applied to (`--memory_metric`)",
            "not running, or not known yet")},
    {STATUS("baseline_size", BIGINT, baseline_bytes,
            "the resident size from which growth is counted", "not running, or not taken yet")},
    {STATUS("peak_footprint", BIGINT, peak_footprint_bytes,
            "the greatest footprint of this process", "as for footprint")},
    {STATUS("memory_limit", BIGINT, memory_limit_bytes, "the limit",
            "when observing, until the worker's flags are known")},
    {STATUS("enforced", INTEGER, enforced,
            "1: it is terminated if it exceeds a limit. 0: watchdog_delay still runs, its kind is "
            "not watched, limits are off, or this is a dry run")},
    {STATUS(
        "memory_watch", TEXT, memory_watch,
        "how the growth of its memory is noticed between regular checks. `events`: the kernel says "
        "when it takes memory. `polling`: it is looked at now and then",
        "the watchdog, or not running")},
    {STATUS("last_check_time", BIGINT, last_check_time_s, "when it was last measured",
            "not running, or not checked yet")},
    {STATUS("last_exit_code", INTEGER, last_exit_code,
            "the exit code of the process before this one",
            "a signal ended it, or none has ended yet")},
    {STATUS("last_exit_signal", INTEGER, last_exit_signal,
            "the signal that ended the process before this one",
            "it exited by itself, or none has ended yet")},
    {STATUS("registered", INTEGER, registered, "whether the worker lists the extension",
            "not known, or not an extension")},
    {STATUS("uuid", BIGINT, uuid, "the extension's registration", "as for registered")},
    {STATUS("responsive", INTEGER, responsive, "whether it answers pings", "not known")},
    {STATUS("version", TEXT, version, "its version", "not known")},
    {STATUS("last_eid", BIGINT, last_seq, "the latest event about it", "none in this run")},
    /* Hidden: with these and the pid a reader checks whether the watchdog's row still holds. */
    {STATUS("start_ticks", BIGINT, start_ticks, NULL)},
    {STATUS("last_check_us", BIGINT, last_check_us, NULL)},
};

static const WdColumn sample_columns[] = {
    {STATUS("time", BIGINT, last_check_time_s, "when it was measured"),
     .options = WD_OPTION_ADDITIONAL},
    {STATUS("name", TEXT, name, "as in watchdog_processes")},
    {STATUS("pid", BIGINT, pid, "the process")},
    {STATUS("utilization", DOUBLE, utilization, "% of all CPUs since the previous check")},
    {STATUS("resident_size", BIGINT, resident_bytes, "resident memory")},
    {STATUS("footprint", BIGINT, footprint_bytes,
            "what `memory_limit` is applied to (`--memory_metric`)", "not known")},
    {STATUS("utilization_limit", INTEGER, utilization_limit, "% of all CPUs",
            "as in watchdog_processes")},
    {STATUS("memory_limit", BIGINT, memory_limit_bytes, "the limit", "as in watchdog_processes")},
};

const WdTable wd_process_table = {
    .name = "watchdog_processes",
    .columns = process_columns,
    .n_columns = G_N_ELEMENTS(process_columns) - N_HIDDEN,
    .n_hidden = N_HIDDEN,
    .stored = "processes",
    .key = "id",
};

const WdTable wd_sample_table = {
    .name = "watchdog_samples",
    .columns = sample_columns,
    .n_columns = G_N_ELEMENTS(sample_columns),
    .stored = "samples",
    .key = "id",
};

WdProcessStatus *
wd_process_status_new(WdRole role, const char *name, const char *path)
{
  WdProcessStatus *status = g_new0(WdProcessStatus, 1);
  wd_table_set_absent(&wd_process_table, status);
  status->role = role;
  status->name = g_strdup(name);
  status->path = g_strdup(path);
  status->state = WD_STATE_WAITING;
  status->regular_check_us = WD_NONE;
  return status;
}

void
wd_process_status_free(WdProcessStatus *status)
{
  if (status == NULL)
    return;
  wd_table_free_texts(&wd_process_table, status);
  g_free(status);
}
