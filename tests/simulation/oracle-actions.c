/* Whether an action may be, and says what it must. */
#include "tests/simulation/oracle.h"

#include <signal.h>
#include <string.h>

static void
check_spawn(SimOracle *oracle, guint process)
{
  SimView *view = &oracle->views[process];
  SIM_CHECK(oracle->trace, view->pid == WD_NONE, "%u spawned beside its living predecessor",
            process);
  SIM_CHECK(oracle->trace, !view->unwanted, "%u spawned, which was taken off the list", process);
  SIM_CHECK(oracle->trace, sim_oracle_may_start(oracle, process), "%u spawned too early", process);
  view->spawning = TRUE;
}

static void
check_first_for_limit(const SimOracle *oracle, const SimView *view, guint process)
{
  SIM_CHECK(oracle->trace, view->stored || oracle->now_us >= view->breach_us + WD_STORE_WAIT_US,
            "%u signalled before its limit_exceeded was stored", process);
}

static void
check_usr1(const SimOracle *oracle, const SimView *view, guint process)
{
  SIM_CHECK(oracle->trace, process == WD_PROCESS_WORKER, "SIGUSR1 to %u, not the worker", process);
  SIM_CHECK(oracle->trace, view->breach_us != WD_NONE, "SIGUSR1 without a limit exceeded");
  SIM_CHECK(oracle->trace, view->signals == WD_SIGNALS_NONE, "SIGUSR1 after another signal");
  check_first_for_limit(oracle, view, process);
}

/* What is within its limits, registered and wanted is left alone, unless all is to stop. */
static gboolean
has_reason(const SimOracle *oracle, const SimView *view)
{
  return view->breach_us != WD_NONE || view->ends_unregistered || view->ends_unwanted ||
         oracle->stopping;
}

static void
check_term(const SimOracle *oracle, const SimView *view, guint process)
{
  const gboolean for_limit = view->breach_us != WD_NONE;
  const guint before =
      for_limit && process == WD_PROCESS_WORKER ? WD_SIGNALS_USR1 : WD_SIGNALS_NONE;
  SIM_CHECK(oracle->trace, view->signals == before, "SIGTERM to %u out of order", process);
  SIM_CHECK(oracle->trace, has_reason(oracle, view), "SIGTERM to %u without a reason", process);
  SIM_CHECK(oracle->trace, view->grace_us > 0 && !sim_view_outgrown(oracle, view),
            "SIGTERM to %u without grace", process);
  if (for_limit)
    check_first_for_limit(oracle, view, process);
}

static void
check_kill(SimOracle *oracle, SimView *view, guint process)
{
  const gboolean for_limit = view->breach_us != WD_NONE;
  SIM_CHECK(oracle->trace, (view->signals & WD_SIGNALS_KILL) == 0, "SIGKILL to %u twice", process);
  SIM_CHECK(oracle->trace, has_reason(oracle, view), "SIGKILL to %u without a reason", process);
  if (oracle->stop_requests >= 2)
    return;
  const gboolean at_once = for_limit && view->grace_us == 0;
  if (!at_once && sim_view_outgrown(oracle, view)) {
    view->outgrown_bytes = view->footprint_bytes;
    sim_trace_count(oracle->trace, SIM_TALLY_OUTGROWN);
  }
  if (at_once || view->outgrown_bytes > 0) {
    SIM_CHECK(oracle->trace, process != WD_PROCESS_WORKER || (view->signals & WD_SIGNALS_USR1) != 0,
              "SIGKILL to the worker before SIGUSR1");
    check_first_for_limit(oracle, view, process);
    return;
  }
  if ((view->ends_unregistered || view->ends_unwanted) && view->grace_us == 0)
    return;
  SIM_CHECK(oracle->trace, (view->signals & WD_SIGNALS_TERM) != 0, "SIGKILL to %u before SIGTERM",
            process);
  SIM_CHECK(oracle->trace, oracle->now_us >= view->term_us + view->grace_us,
            "SIGKILL to %u before its grace was over", process);
}

static void
check_signal(SimOracle *oracle, guint process, int signo)
{
  SimView *view = &oracle->views[process];
  const SimProcess *real = sim_kernel_process(oracle->kernel, process);
  SIM_CHECK(oracle->trace,
            process != WD_PROCESS_WATCHDOG && view->pid != WD_NONE && real->life != SIM_LIFE_NONE &&
                real->pid == view->pid,
            "signal %d to %u, which is gone", signo, process);
  switch (signo) {
  case SIGUSR1:
    check_usr1(oracle, view, process);
    break;
  case SIGTERM:
    check_term(oracle, view, process);
    view->term_us = oracle->now_us;
    break;
  case SIGKILL:
    check_kill(oracle, view, process);
    view->kill_us = oracle->now_us;
    break;
  default:
    sim_trace_fail(oracle->trace, "signal %d to %u", signo, process);
  }
  if (view->signals == WD_SIGNALS_NONE)
    view->first_signal_us = oracle->now_us;
  view->signals |= signo == SIGUSR1   ? (guint)WD_SIGNALS_USR1
                   : signo == SIGTERM ? (guint)WD_SIGNALS_TERM
                                      : (guint)WD_SIGNALS_KILL;
}

/* --- events --- */

#define CHECK_FIELD(field, value)                                                                  \
  SIM_CHECK(oracle->trace, event->field == (value),                                                \
            #field " of event %" G_GUINT64_FORMAT ": %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, \
            event->seq, (gint64)event->field, (gint64)(value))

static void
check_breach(const SimOracle *oracle, const WdEvent *event, const WdVerdict *verdict)
{
  CHECK_FIELD(measured, verdict->measured);
  CHECK_FIELD(limit_value, verdict->limit);
  CHECK_FIELD(unit, verdict->unit);
  SIM_CHECK(oracle->trace, event->measured > event->limit_value, "within its limit");
}

static void
check_end(const SimOracle *oracle, const WdEvent *event, const SimExpected *expected)
{
  const SimView *view = &oracle->views[expected->process];
  CHECK_FIELD(exit_code, expected->code);
  CHECK_FIELD(exit_signal, expected->signal);
  CHECK_FIELD(lifetime_ms, (oracle->now_us - view->started_us) / 1000);
  CHECK_FIELD(restarts, view->starts - 1);
  CHECK_FIELD(cause_seq, expected->cause_seq);
  CHECK_FIELD(signals_sent, view->signals);
  CHECK_FIELD(peak_bytes, view->peak_bytes);
  if (oracle->limits.memory_metric == WD_METRIC_GROWTH)
    CHECK_FIELD(baseline_bytes, view->measure.baseline_bytes);
  else
    CHECK_FIELD(baseline_bytes, WD_NONE);
  if (event->kind == WD_EVENT_PROCESS_EXITED) {
    CHECK_FIELD(outcome, WD_OUTCOME_NONE);
    return;
  }
  g_autofree char *cut =
      view->outgrown_bytes == 0
          ? NULL
          : g_strdup_printf("{\"grace_cut_at_bytes\":%" G_GINT64_FORMAT "}", view->outgrown_bytes);
  SIM_CHECK(oracle->trace, g_strcmp0(event->details, cut) == 0, "details %s, not %s",
            event->details, cut);
  CHECK_FIELD(duration_ms, (oracle->now_us - view->first_signal_us) / 1000);
  CHECK_FIELD(outcome, view->stuck                              ? WD_OUTCOME_STUCK
                       : (view->signals & WD_SIGNALS_KILL) != 0 ? WD_OUTCOME_KILLED
                                                                : WD_OUTCOME_GRACEFUL);
  if (view->breach_us != WD_NONE)
    check_breach(oracle, event, &view->breach);
  else
    CHECK_FIELD(measured, WD_NONE);
}

static void
check_watchdog_stopped(const SimOracle *oracle, const WdEvent *event)
{
  SIM_CHECK(oracle->trace, oracle->stopping, "watchdog_stopped without a reason");
  CHECK_FIELD(reason, oracle->stop_reason);
  CHECK_FIELD(cause_seq, oracle->stop_cause_seq);
}

/* The next event that must be recorded about @process. */
static SimExpected *
next_expected(SimOracle *oracle, guint process)
{
  for (guint i = 0; i < oracle->expected_count; i++)
    if (oracle->expected[i].process == process)
      return &oracle->expected[i];
  return NULL;
}

/* The end that took the registration: the worker's, or its own. */
static guint64
unregistered_cause(const SimOracle *oracle, guint process, WdReason reason)
{
  if (oracle->input == WD_INPUT_REPORT)
    return 0;
  if (oracle->gone == WD_PROCESS_WORKER)
    return oracle->views[WD_PROCESS_WORKER].gone_seq;
  SIM_CHECK(oracle->trace, oracle->gone == process && reason != WD_REASON_NONE,
            "%u lost its registration for another's end", process);
  return oracle->views[process].gone_seq;
}

static void
check_details(SimOracle *oracle, const WdAction *action, const SimExpected *expected)
{
  const WdEvent *event = action->event;
  SimView *view = &oracle->views[action->process];
  const gboolean waits = expected->acknowledged || (event->kind == WD_EVENT_LIMIT_EXCEEDED &&
                                                    action->process != WD_PROCESS_WATCHDOG);
  CHECK_FIELD(kind, expected->kind);
  CHECK_FIELD(reason, expected->reason);
  SIM_CHECK(oracle->trace, action->acknowledge == waits, "acknowledgement wanted or not");
  SIM_CHECK(oracle->trace,
            action->details ==
                (event->kind == WD_EVENT_LIMIT_EXCEEDED || event->kind == WD_EVENT_WOULD_TERMINATE),
            "details wanted or not");
  switch ((int)event->kind) {
  case WD_EVENT_PROCESS_STARTED:
    CHECK_FIELD(restarts, view->starts - 1);
    CHECK_FIELD(duration_ms,
                view->gone_us != WD_NONE ? (oracle->now_us - view->gone_us) / 1000 : WD_NONE);
    break;
  case WD_EVENT_UNRESPONSIVE:
    CHECK_FIELD(cause_seq, 0);
    view->pings.seq = event->seq;
    break;
  case WD_EVENT_RESPONSIVE:
    CHECK_FIELD(cause_seq, view->pings.seq);
    CHECK_FIELD(duration_ms, sim_pings_lasted_ms(&view->pings));
    view->pings.since_us = 0;
    break;
  case WD_EVENT_LIMIT_EXCEEDED:
    check_breach(oracle, event, &expected->verdict);
    CHECK_FIELD(cause_seq, expected->reason == WD_REASON_UNRESPONSIVE ? view->pings.seq : 0);
    view->breach_seq = event->seq;
    view->stored = oracle->storeless; /* nothing waits for what can't be stored */
    break;
  case WD_EVENT_WOULD_TERMINATE:
    if (expected->reason == WD_REASON_REGISTRATION)
      CHECK_FIELD(cause_seq, expected->cause_seq);
    else
      check_breach(oracle, event, &expected->verdict);
    break;
  case WD_EVENT_EXTENSION_REGISTERED:
    CHECK_FIELD(cause_seq, 0);
    break;
  case WD_EVENT_EXTENSION_UNREGISTERED:
    CHECK_FIELD(cause_seq, unregistered_cause(oracle, action->process, expected->reason));
    view->missing_seq = event->seq;
    break;
  case WD_EVENT_QUERY_DENYLISTED:
    CHECK_FIELD(cause_seq,
                oracle->unread_ends == 1 ? oracle->views[WD_PROCESS_WORKER].gone_seq : 0);
    CHECK_FIELD(lifetime_ms, (oracle->now_us - view->started_us) / 1000);
    break;
  case WD_EVENT_PROCESS_EXITED:
  case WD_EVENT_PROCESS_TERMINATED:
    check_end(oracle, event, expected);
    view->gone_seq = view->end_seq = event->seq;
    break;
  case WD_EVENT_SPAWN_FAILED:
    view->end_seq = event->seq;
    break;
  case WD_EVENT_TERMINATION_STUCK:
    CHECK_FIELD(cause_seq, expected->cause_seq);
    CHECK_FIELD(duration_ms, (oracle->now_us - view->first_signal_us) / 1000);
    CHECK_FIELD(signals_sent, view->signals);
    break;
  case WD_EVENT_RESPAWN_DELAYED:
    CHECK_FIELD(delay_s, (expected->delay_us + SIM_S - 1) / SIM_S);
    CHECK_FIELD(cause_seq, view->end_seq);
    sim_trace_count(oracle->trace, SIM_TALLY_DELAYS);
    break;
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    CHECK_FIELD(cause_seq, view->end_seq);
    break;
  case WD_EVENT_EVENTS_LOST:
  case WD_EVENT_SETTINGS_CHANGED:
  case WD_EVENT_HISTORY_RECOVERED:
    break;
  default:
    CHECK_FIELD(kind, WD_EVENT_WATCHDOG_STARTED);
  }
  if (expected->gives_up)
    oracle->give_up_seq = event->seq;
  if (expected->ends_all)
    oracle->stop_cause_seq = event->seq;
}

static gint64
pid_of_event(const SimOracle *oracle, const WdAction *action)
{
  switch ((int)action->event->kind) {
  case WD_EVENT_PROCESS_EXITED:
  case WD_EVENT_PROCESS_TERMINATED:
  case WD_EVENT_EXTENSION_UNREGISTERED:
    return sim_kernel_process(oracle->kernel, action->process)->pid;
  default:
    return oracle->views[action->process].pid;
  }
}

static void
check_record(SimOracle *oracle, const WdAction *action)
{
  const WdEvent *event = action->event;
  CHECK_FIELD(seq, oracle->last_seq + 1);
  SIM_CHECK(oracle->trace, event->cause_seq < event->seq, "an event that its own effect caused");
  SIM_CHECK(oracle->trace, event->message != NULL && event->message[0] != '\0', "no message");
  SIM_CHECK(oracle->trace, event->role == MIN(action->process, (guint)WD_ROLE_EXTENSION),
            "the role of another");
  CHECK_FIELD(pid, pid_of_event(oracle, action));
  oracle->last_seq = event->seq;
  if (event->kind == WD_EVENT_WATCHDOG_STOPPED) {
    check_watchdog_stopped(oracle, event);
    return;
  }
  SimExpected *expected = next_expected(oracle, action->process);
  SIM_CHECK(oracle->trace, expected != NULL, "%s of %u: nothing happened",
            wd_event_kind_name(event->kind), action->process);
  check_details(oracle, action, expected);
  const guint index = (guint)(expected - oracle->expected);
  oracle->expected_count--;
  memmove(expected, expected + 1, (oracle->expected_count - index) * sizeof *expected);
}

/* --- the rest --- */

static void
check_exit(SimOracle *oracle, int code)
{
  gboolean stuck = FALSE;
  SIM_CHECK(oracle->trace, oracle->stopping, "left without a reason");
  SIM_CHECK(oracle->trace, oracle->expected_count == 0, "left before the last event");
  for (guint i = WD_PROCESS_WORKER; i < oracle->count; i++) {
    const SimView *view = &oracle->views[i];
    SIM_CHECK(oracle->trace, !view->spawning && (view->pid == WD_NONE || view->stuck),
              "left %u behind", i);
    stuck = stuck || view->pid != WD_NONE;
  }
  if (stuck)
    sim_trace_count(oracle->trace, SIM_TALLY_STUCK_AT_STOP);
  const int right = stuck && oracle->stop_code == 0 ? WD_EXIT_FAILED : oracle->stop_code;
  SIM_CHECK(oracle->trace, code == right, "left with %d, not %d", code, right);
  oracle->exited = TRUE;
}

static void
check_count_faults(SimOracle *oracle, guint process)
{
  const SimProcess *counted = sim_kernel_process(oracle->kernel, process);
  SIM_CHECK(oracle->trace, oracle->input == WD_INPUT_TICK, "counts faults without a look");
  SIM_CHECK(oracle->trace, counted->has_counter && !counted->faults_counted,
            "can't count the faults of %u now", process);
  SIM_CHECK(oracle->trace, sim_view_running(&oracle->views[process]),
            "counts the faults of %u, which doesn't run", process);
  sim_trace_count(oracle->trace, SIM_TALLY_COUNTS);
}

static void
check_probe(SimOracle *oracle)
{
  SIM_CHECK(oracle->trace,
            sim_view_running(&oracle->views[WD_PROCESS_WORKER]) && !oracle->manager_accepts &&
                !oracle->stopping && oracle->limits.manager,
            "a probe that nothing depends on");
  oracle->last_probe_us = oracle->now_us;
}

static void
check_remember(SimOracle *oracle, guint process)
{
  SimView *view = &oracle->views[process];
  SIM_CHECK(oracle->trace, view->threads_due, "the threads of %u: far from a limit", process);
  view->threads_due = FALSE;
  sim_trace_count(oracle->trace, SIM_TALLY_THREADS_REMEMBERED);
}

void
sim_oracle_action(SimOracle *oracle, const WdAction *action)
{
  SIM_CHECK(oracle->trace, !oracle->exited, "an action after the exit");
  SIM_CHECK(oracle->trace, action->process < oracle->count, "an action on nothing");
  switch (action->kind) {
  case WD_ACTION_SPAWN:
    check_spawn(oracle, action->process);
    break;
  case WD_ACTION_SIGNAL:
    check_signal(oracle, action->process, action->signo);
    break;
  case WD_ACTION_REMEMBER_THREADS:
    check_remember(oracle, action->process);
    break;
  case WD_ACTION_RECORD:
    check_record(oracle, action);
    break;
  case WD_ACTION_LOG:
    SIM_CHECK(oracle->trace, action->text != NULL && action->text[0] != '\0', "an empty log line");
    break;
  case WD_ACTION_COUNT_FAULTS:
    check_count_faults(oracle, action->process);
    break;
  case WD_ACTION_PROBE_MANAGER:
    check_probe(oracle);
    break;
  case WD_ACTION_PUBLISH:
    break;
  case WD_ACTION_EXIT:
    check_exit(oracle, action->exit_code);
    break;
  }
}
