#include "watchdog/core/event/event.h"

/* The line of a column: its name, osquery's type, the member, what it means, when it is NULL. How
 * the member is stored follows from its type. */
#define EVENT(column, osquery_type, member, ...) \
  .name = column, .type = WD_TYPE_##osquery_type, .offset = offsetof(WdEvent, member),             \
  .meaning = __VA_ARGS__,                                                                          \
  .value = _Generic(((WdEvent *)NULL)->member, gint64: WD_VALUE_INTEGER, double: WD_VALUE_REAL,    \
                    char *: WD_VALUE_TEXT, guint64: WD_VALUE_SEQ, WdEventKind: WD_VALUE_EVENT,     \
                    WdRole: WD_VALUE_ROLE, WdReason: WD_VALUE_REASON, WdUnit: WD_VALUE_UNIT,       \
                    WdOutcome: WD_VALUE_OUTCOME, WdSignals: WD_VALUE_SIGNALS,                   \
                    WdOrigin: WD_VALUE_ORIGIN)

static const WdColumn columns[] = {
    {EVENT("eid", BIGINT, seq, "the event's number"),
     .options = WD_OPTION_INDEX | WD_OPTION_OPTIMIZED},
    {EVENT("time", BIGINT, time_s, "when it happened"), .options = WD_OPTION_ADDITIONAL},
    {.name = "run_id",
     .type = WD_TYPE_TEXT,
     .value = WD_VALUE_RUN_ID,
     .meaning = "one for each start of the watchdog"},
    {EVENT("event", TEXT, kind, "what happened: see below"), .options = WD_OPTION_ADDITIONAL},
    {EVENT("role", TEXT, role,
           "`watchdog`, `worker`, `extension`: the process that the event is about")},
    {EVENT("name", TEXT, name, "its name")},
    {EVENT("path", TEXT, path, "its program")},
    {EVENT("pid", BIGINT, pid, "its process id")},
    {EVENT("reason", TEXT, reason, "see below")},
    {EVENT("measured", BIGINT, measured, "what was measured, in `unit`")},
    {EVENT("limit_value", BIGINT, limit_value,
           "the limit that it was measured against, in `unit`")},
    {EVENT(
        "unit", TEXT, unit,
        "`bytes` (memory), `ms` (reason cpu: CPU time in one check interval; reason unresponsive: "
        "time without an answer)")},
    {EVENT("peak", BIGINT, peak_bytes,
           "bytes: the greatest footprint seen until then; NULL if the process ended before the "
           "first look at it")},
    {EVENT("baseline", BIGINT, baseline_bytes,
           "bytes: the resident size from which growth is counted; NULL with another metric")},
    {EVENT("utilization", DOUBLE, utilization,
           "% of all CPUs in the last check interval (reason cpu)")},
    {EVENT("utilization_limit", INTEGER, utilization_limit, "% of all CPUs (reason cpu)")},
    {EVENT("sustained", INTEGER, sustained_s,
           "how many seconds it was over the limit (reason cpu)")},
    {EVENT("outcome", TEXT, outcome,
           "`graceful` (gone before SIGKILL), `killed`, `stuck` (gone after it was reported "
           "stuck), `interrupted` (the watchdog crashed, or the observation ended, before this "
           "was known)")},
    {EVENT("exit_code", INTEGER, exit_code, "NULL if a signal ended it")},
    {EVENT("exit_signal", INTEGER, exit_signal, "NULL if it exited by itself")},
    {EVENT("core_dumped", INTEGER, core_dumped,
           "1 if the kernel wrote a core dump, 0 if it didn't; NULL if no signal ended it")},
    {EVENT("signals_sent", TEXT, signals_sent,
           "in the order in which they were sent: `USR1,TERM,KILL`")},
    {EVENT("duration_ms", BIGINT, duration_ms,
           "from the first signal until it was gone; responsive: how long it was unresponsive; "
           "process_started: how long there was no such process, within this run")},
    {EVENT("lifetime_ms", BIGINT, lifetime_ms, "how long the process had lived")},
    {EVENT("delay", INTEGER, delay_s, "seconds until the next start")},
    {EVENT("restarts", INTEGER, restarts, "as in watchdog_processes, at that time")},
    {EVENT("origin", TEXT, origin,
           "who asked for the query that the worker was executing: `schedule`, `distributed` (a "
           "server), `extension` (through its socket: osqueryi, an extension); NULL: not known")},
    {EVENT("query_name", TEXT, query_name,
           "that query's name; for a distributed one, the ID by which the server knows it")},
    {EVENT("query", TEXT, query, "its SQL, at most 16 kB of it")},
    {EVENT("thread", TEXT, thread, "the name of its busiest thread when it exceeded its limit")},
    {EVENT("last_output", TEXT, last_output,
           "the last lines that it wrote to stderr: at most 20, at most 4 kB")},
    {EVENT("cause_eid", BIGINT, cause_seq, "the event that led to this one")},
    {EVENT("details", TEXT, details, "JSON, see below")},
    {EVENT("message", TEXT, message, "the log line")},
};

const WdTable wd_event_table = {
    .name = "watchdog_events",
    .columns = columns,
    .n_columns = G_N_ELEMENTS(columns),
    .stored = "events",
    .key = "eid",
};

WdEvent *
wd_event_new(WdEventKind kind, WdRole role, const char *name, const char *path)
{
  WdEvent *event = g_new0(WdEvent, 1);
  wd_table_set_absent(&wd_event_table, event);
  event->time_s = 0; /* never absent */
  event->kind = kind;
  event->role = role;
  event->name = g_strdup(name);
  event->path = g_strdup(path);
  return event;
}

void
wd_event_free(WdEvent *event)
{
  if (event == NULL)
    return;
  wd_table_free_texts(&wd_event_table, event);
  g_free(event);
}

gboolean
wd_event_is_end(const WdEvent *event)
{
  return event->kind == WD_EVENT_PROCESS_EXITED || event->kind == WD_EVENT_PROCESS_TERMINATED;
}

gboolean
wd_event_keeps_output(const WdEvent *event)
{
  return (wd_event_is_end(event) || event->kind == WD_EVENT_SPAWN_FAILED ||
          event->kind == WD_EVENT_RESPAWN_LIMIT_REACHED) &&
         event->reason != WD_REASON_REQUEST && event->reason != WD_REASON_SETTINGS;
}

/* Switches rather than arrays: -Wswitch-enum then finds a member without its word. */

const char *
wd_event_kind_name(WdEventKind kind)
{
  switch (kind) {
  case WD_EVENT_WATCHDOG_STARTED:
    return "watchdog_started";
  case WD_EVENT_WATCHDOG_STOPPED:
    return "watchdog_stopped";
  case WD_EVENT_WATCHDOG_CRASHED:
    return "watchdog_crashed";
  case WD_EVENT_PROCESS_STARTED:
    return "process_started";
  case WD_EVENT_PROCESS_EXITED:
    return "process_exited";
  case WD_EVENT_LIMIT_EXCEEDED:
    return "limit_exceeded";
  case WD_EVENT_PROCESS_TERMINATED:
    return "process_terminated";
  case WD_EVENT_WOULD_TERMINATE:
    return "would_terminate";
  case WD_EVENT_TERMINATION_STUCK:
    return "termination_stuck";
  case WD_EVENT_RESPAWN_DELAYED:
    return "respawn_delayed";
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    return "respawn_limit_reached";
  case WD_EVENT_SPAWN_FAILED:
    return "spawn_failed";
  case WD_EVENT_EXTENSION_REGISTERED:
    return "extension_registered";
  case WD_EVENT_EXTENSION_UNREGISTERED:
    return "extension_unregistered";
  case WD_EVENT_UNRESPONSIVE:
    return "unresponsive";
  case WD_EVENT_RESPONSIVE:
    return "responsive";
  case WD_EVENT_QUERY_DENYLISTED:
    return "query_denylisted";
  case WD_EVENT_SETTINGS_CHANGED:
    return "settings_changed";
  case WD_EVENT_EVENTS_LOST:
    return "events_lost";
  case WD_EVENT_HISTORY_RECOVERED:
    return "history_recovered";
  }
  g_assert_not_reached();
}

const char *
wd_role_name(WdRole role)
{
  switch (role) {
  case WD_ROLE_WATCHDOG:
    return "watchdog";
  case WD_ROLE_WORKER:
    return "worker";
  case WD_ROLE_EXTENSION:
    return "extension";
  }
  g_assert_not_reached();
}

const char *
wd_reason_name(WdReason reason)
{
  switch (reason) {
  case WD_REASON_NONE:
    return NULL;
  case WD_REASON_MEMORY:
    return "memory";
  case WD_REASON_CPU:
    return "cpu";
  case WD_REASON_OOM:
    return "oom";
  case WD_REASON_EXIT:
    return "exit";
  case WD_REASON_SIGNAL:
    return "signal";
  case WD_REASON_REQUEST:
    return "request";
  case WD_REASON_SPAWN:
    return "spawn";
  case WD_REASON_HEALTH:
    return "health";
  case WD_REASON_REGISTRATION:
    return "registration";
  case WD_REASON_UNRESPONSIVE:
    return "unresponsive";
  case WD_REASON_WORKER_GONE:
    return "worker_gone";
  case WD_REASON_WORKER_SILENT:
    return "worker_silent";
  case WD_REASON_SETTINGS:
    return "settings";
  case WD_REASON_REBOOT:
    return "reboot";
  }
  g_assert_not_reached();
}

const char *
wd_unit_name(WdUnit unit)
{
  switch (unit) {
  case WD_UNIT_NONE:
    return NULL;
  case WD_UNIT_BYTES:
    return "bytes";
  case WD_UNIT_MS:
    return "ms";
  }
  g_assert_not_reached();
}

const char *
wd_outcome_name(WdOutcome outcome)
{
  switch (outcome) {
  case WD_OUTCOME_NONE:
    return NULL;
  case WD_OUTCOME_GRACEFUL:
    return "graceful";
  case WD_OUTCOME_KILLED:
    return "killed";
  case WD_OUTCOME_STUCK:
    return "stuck";
  case WD_OUTCOME_INTERRUPTED:
    return "interrupted";
  }
  g_assert_not_reached();
}

const char *
wd_origin_name(WdOrigin origin)
{
  switch (origin) {
  case WD_ORIGIN_NONE:
    return NULL;
  case WD_ORIGIN_SCHEDULE:
    return "schedule";
  case WD_ORIGIN_DISTRIBUTED:
    return "distributed";
  case WD_ORIGIN_EXTENSION:
    return "extension";
  }
  g_assert_not_reached();
}

const char *
wd_signals_text(WdSignals signals)
{
  static const char *const texts[] = {
      [WD_SIGNALS_USR1] = "USR1",
      [WD_SIGNALS_TERM] = "TERM",
      [WD_SIGNALS_USR1 | WD_SIGNALS_TERM] = "USR1,TERM",
      [WD_SIGNALS_KILL] = "KILL",
      [WD_SIGNALS_USR1 | WD_SIGNALS_KILL] = "USR1,KILL",
      [WD_SIGNALS_TERM | WD_SIGNALS_KILL] = "TERM,KILL",
      [WD_SIGNALS_USR1 | WD_SIGNALS_TERM | WD_SIGNALS_KILL] = "USR1,TERM,KILL",
  };
  return texts[signals];
}
