/* Writes docs/tables.md to stdout: the template, completed with what the code knows.
 *
 * Usage: tables-document TEMPLATE
 *
 * A line of the template is replaced when it is `@columns TABLE@`, `@events@`, `@reasons@` or
 * `@states@`; each table must be asked for once. The meaning of each event, reason and state
 * stands here, in switches, because -Wswitch-enum then reports one that has none. */
#include <stdio.h>
#include <string.h>

#include "tables/definitions.h"
#include "watchdog/core/event/event.h"
#include "watchdog/core/event/process-status.h"

static void
put_columns(const WdTable *table)
{
  gboolean nulls = FALSE;
  for (guint i = 0; i < table->n_columns; i++)
    nulls |= table->columns[i].null != NULL;
  puts(nulls ? "| column | type | meaning | NULL |\n|---|---|---|---|"
             : "| column | type | meaning |\n|---|---|---|");
  for (guint i = 0; i < table->n_columns; i++) {
    const WdColumn *column = &table->columns[i];
    printf("| %s | %s | %s%s |", column->name, table_type_name(column->type), column->meaning,
           column->options & WD_OPTION_INDEX        ? "; index"
           : column->options & WD_OPTION_ADDITIONAL ? "; additional"
                                                    : "");
    if (nulls)
      printf(" %s |", column->null == NULL ? "never" : column->null);
    putchar('\n');
  }
}

/* When the event is recorded, which columns it has besides the common ones, and its reasons. */
static const char *
event_cells(WdEventKind kind)
{
  switch (kind) {
  case WD_EVENT_WATCHDOG_STARTED:
    return "the first event of each run | | ";
  case WD_EVENT_WATCHDOG_STOPPED:
    return "the last event of each run that was not cut off | reason, exit_code, cause_eid | "
           "request, health, exit, spawn";
  case WD_EVENT_WATCHDOG_CRASHED:
    return "written by the next run if a run has no watchdog_stopped; it has the `run_id` of the "
           "run that crashed | reason | NULL, or reboot: the host went down";
  case WD_EVENT_PROCESS_STARTED:
    return "the program runs: fork and exec succeeded | restarts; duration_ms, except for the "
           "first one in this run | ";
  case WD_EVENT_PROCESS_EXITED:
    return "the process ended, but not because of the watchdog | reason, exit_code or exit_signal, "
           "core_dumped, lifetime_ms, peak, baseline, restarts, last_output, cause_eid "
           "(worker_gone); for the worker, also the query | exit, signal, oom, worker_gone, "
           "worker_silent, registration";
  case WD_EVENT_LIMIT_EXCEEDED:
    return "the process is over a limit; the event is stored before the first signal, which waits "
           "at most 20 ms for that | reason, measured, limit_value, unit, peak, baseline, "
           "lifetime_ms, details; for CPU, also utilization, utilization_limit, sustained; for "
           "unresponsive, also cause_eid (the `unresponsive`); for the worker, also the query | "
           "memory, cpu, unresponsive";
  case WD_EVENT_PROCESS_TERMINATED:
    return "the watchdog ended the process; recorded once for each termination | reason, outcome, "
           "signals_sent, exit_code or exit_signal, core_dumped, duration_ms, lifetime_ms, peak, "
           "baseline, restarts, last_output (unless it was requested); for a limit, also cause_eid "
           "and everything that limit_exceeded measured; for the worker, also the query | "
           "memory, cpu, unresponsive, request, settings, registration";
  case WD_EVENT_WOULD_TERMINATE:
    return "with `--dry_run`, in place of limit_exceeded; recorded once, until a regular check "
           "finds the process within its limits, or until it answers again | as limit_exceeded | "
           "memory, cpu, unresponsive, registration";
  case WD_EVENT_TERMINATION_STUCK:
    return "the process still exists 2 s after SIGKILL | reason, signals_sent, duration_ms, "
           "cause_eid | that of the termination";
  case WD_EVENT_RESPAWN_DELAYED:
    return "the process will not be started at once | reason, delay, restarts, cause_eid | that of "
           "its end";
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    return "the process is given up: too many quick exits, or a broken command line; an abandoned "
           "extension is rarely tried again | reason, restarts, last_output, cause_eid; details "
           "(`file`, `ended_osquery`) for an extension; exit_code for a broken command line | "
           "exit, signal, "
           "oom, spawn";
  case WD_EVENT_SPAWN_FAILED:
    return "the process could not be started; the message says why | reason, last_output | spawn";
  case WD_EVENT_EXTENSION_REGISTERED:
    return "the worker lists the extension | details (`uuid`) | ";
  case WD_EVENT_EXTENSION_UNREGISTERED:
    return "the worker no longer lists the extension; recorded once for each extension_registered "
           "| reason, details (`uuid`), cause_eid (the end that caused it) | registration (both "
           "are alive), worker_gone, or that of its own end";
  case WD_EVENT_UNRESPONSIVE:
    return "the worker or an extension has missed two pings in a row; recorded once, until it "
           "answers | | ";
  case WD_EVENT_RESPONSIVE:
    return "it answers again | duration_ms (since the `unresponsive`, as far as known), "
           "cause_eid (the `unresponsive`) | ";
  case WD_EVENT_QUERY_DENYLISTED:
    return "osquery denylisted a scheduled query after a worker's death | query_name, query, "
           "cause_eid (the death; NULL if that was in an earlier run, or if more than one may have "
           "been it), lifetime_ms (of the worker that shows it) | ";
  case WD_EVENT_SETTINGS_CHANGED:
    return "SIGHUP changed something | reason, details | request";
  case WD_EVENT_EVENTS_LOST:
    return "the store had no room; `details` has the number of events | details | ";
  case WD_EVENT_HISTORY_RECOVERED:
    return "the history could not be used as it was, and a new one was begun | details | ";
  }
  g_assert_not_reached();
}

static const char *
reason_meaning(WdReason reason)
{
  switch (reason) {
  case WD_REASON_NONE:
    return NULL;
  case WD_REASON_MEMORY:
    return "over the memory limit";
  case WD_REASON_CPU:
    return "over the CPU limit for too long";
  case WD_REASON_OOM:
    return "the kernel killed it because memory ran out";
  case WD_REASON_EXIT:
    return "it exited by itself";
  case WD_REASON_SIGNAL:
    return "a signal from somebody else killed it";
  case WD_REASON_REQUEST:
    return "someone asked for a stop or a reload";
  case WD_REASON_SPAWN:
    return "it could not be started";
  case WD_REASON_HEALTH:
    return "the watchdog itself was over a limit";
  case WD_REASON_REGISTRATION:
    return "osquery lost an extension that is alive, never registered it, or refused it because it "
           "still listed the extension's previous process";
  case WD_REASON_UNRESPONSIVE:
    return "it answered no ping for longer than `--unresponsive_timeout` allows";
  case WD_REASON_WORKER_GONE:
    return "an extension ended because its worker did";
  case WD_REASON_WORKER_SILENT:
    return "an extension exited while the worker didn't answer";
  case WD_REASON_SETTINGS:
    return "an extension is no longer in the list";
  case WD_REASON_REBOOT:
    return "the host went down";
  }
  g_assert_not_reached();
}

static const char *
state_meaning(WdState state)
{
  switch (state) {
  case WD_STATE_WAITING:
    return "it will be started: now, or at `next_start_time`";
  case WD_STATE_RUNNING:
    return "it runs";
  case WD_STATE_TERMINATING:
    return "a signal was sent, but not SIGKILL yet";
  case WD_STATE_KILLING:
    return "SIGKILL was sent";
  case WD_STATE_STUCK:
    return "it still exists 2 s after SIGKILL";
  case WD_STATE_STOPPED:
    return "it ended for good";
  case WD_STATE_ABANDONED:
    return "an extension over its restart limit, which is rarely tried again";
  }
  g_assert_not_reached();
}

static void
put_words(const char *placeholder)
{
  if (g_str_equal(placeholder, "@events@")) {
    puts("| event | when | columns | reason |\n|---|---|---|---|");
    for (WdEventKind kind = WD_EVENT_WATCHDOG_STARTED; kind <= WD_EVENT_HISTORY_RECOVERED; kind++)
      printf("| %s | %s |\n", wd_event_kind_name(kind), event_cells(kind));
  } else if (g_str_equal(placeholder, "@reasons@")) {
    puts("| reason | meaning |\n|---|---|");
    for (WdReason reason = WD_REASON_NONE + 1; reason <= WD_REASON_REBOOT; reason++)
      printf("| %s | %s |\n", wd_reason_name(reason), reason_meaning(reason));
  } else if (g_str_equal(placeholder, "@states@")) {
    puts("| state | meaning |\n|---|---|");
    for (WdState state = WD_STATE_WAITING; state <= WD_STATE_ABANDONED; state++)
      printf("| %s | %s |\n", wd_state_name(state), state_meaning(state));
  } else {
    g_error("%s: expected @columns TABLE@, @events@, @reasons@ or @states@", placeholder);
  }
}

int
main(int argc, char **argv)
{
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  if (argc != 2 || !g_file_get_contents(argv[1], &text, NULL, &error)) {
    fprintf(stderr, "tables-document: %s\n", error != NULL ? error->message : "expected TEMPLATE");
    return 2;
  }
  guint n_tables, asked = 0;
  (void)table_definitions(&n_tables);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (char **line = lines; *line != NULL && (line[1] != NULL || **line != '\0'); line++) {
    char name[64];
    if (sscanf(*line, "@columns %63[a-z_]@", name) == 1) {
      put_columns(table_definition_find(name));
      asked++;
    } else if (**line == '@') {
      put_words(*line);
    } else {
      puts(*line);
    }
  }
  if (asked != n_tables) {
    fprintf(stderr, "tables-document: %s: %u of %u tables\n", argv[1], asked, n_tables);
    return 1;
  }
  return fflush(stdout) == 0 ? 0 : 1;
}
