/* What an input means, and which events must therefore follow. */
#include "tests/simulation/oracle.h"

#include <stdlib.h>

void
sim_oracle_init(SimOracle *oracle, SimTrace *trace, const SimKernel *kernel, const WdLimits *limits,
                guint indispensable, gint64 now_us)
{
  *oracle = (SimOracle){
      .trace = trace,
      .kernel = kernel,
      .limits = *limits,
      .count = kernel->count,
      .next_check_us = now_us + WD_CHECK_INTERVAL_S * SIM_S,
      .enforced_from_us = G_MAXINT64,
      .worker_gone_us = WD_NONE,
      .unread_ends = 1,
      .answers = WD_NONE,
  };
  for (guint i = 0; i < oracle->count; i++) {
    SimView *view = &oracle->views[i];
    view->pid = WD_NONE;
    view->breach_us = WD_NONE;
    view->own_exit_us = WD_NONE;
    view->gone_us = WD_NONE;
    view->registered = view->uuid = view->missing_us = WD_NONE;
    view->indispensable = i == indispensable;
  }
  SimView *watchdog = &oracle->views[WD_PROCESS_WATCHDOG];
  watchdog->pid = SIM_WATCHDOG_PID;
  watchdog->started_us = now_us;
  watchdog->measure = sim_measure_new(now_us);
}

gboolean
sim_view_running(const SimView *view)
{
  return view->pid != WD_NONE && view->breach_us == WD_NONE && view->signals == WD_SIGNALS_NONE;
}

gboolean
sim_oracle_may_start(const SimOracle *oracle, guint process)
{
  const SimView *view = &oracle->views[process];
  const SimView *worker = &oracle->views[WD_PROCESS_WORKER];
  return process != WD_PROCESS_WATCHDOG && view->pid == WD_NONE && !view->spawning &&
         !view->stopped && !oracle->stopping && view->due_us <= oracle->now_us &&
         (process == WD_PROCESS_WORKER || (oracle->manager_accepts && sim_view_running(worker)));
}

void
sim_view_grant(SimOracle *oracle, SimView *view, gint64 grace_s)
{
  view->grace_us = grace_s * SIM_S;
  oracle->longest_grace_us = MAX(oracle->longest_grace_us, view->grace_us);
}

SimExpected *
sim_oracle_expect(SimOracle *oracle, WdEventKind kind, guint process, WdReason reason)
{
  g_assert(oracle->expected_count < SIM_EXPECTED_MAX);
  SimExpected *expected = &oracle->expected[oracle->expected_count++];
  *expected = (SimExpected){.kind = kind, .process = process, .reason = reason};
  return expected;
}

void
sim_oracle_begin_stop(SimOracle *oracle, WdReason reason, int code)
{
  if (oracle->stopping)
    return;
  oracle->stopping = TRUE;
  oracle->stop_began_us = oracle->now_us;
  oracle->stop_reason = reason;
  oracle->stop_code = code;
  for (guint i = WD_PROCESS_WORKER; i < oracle->count; i++) {
    SimView *view = &oracle->views[i];
    if (view->pid == WD_NONE && !view->spawning)
      view->stopped = TRUE;
    else if (sim_view_running(view) || view->spawning)
      sim_view_grant(oracle, view, oracle->limits.stop_grace_s);
  }
}

/* --- starts --- */

static void
spawned(SimOracle *oracle, const WdInput *input)
{
  SimView *view = &oracle->views[input->process];
  view->spawning = FALSE;
  view->abandoned = FALSE;
  view->file = atoll(input->file);
  view->pid = input->spawned.pid;
  view->started_us = oracle->now_us;
  view->starts++;
  view->measure = sim_measure_new(oracle->now_us);
  view->episode = FALSE;
  view->clean_us = MAX(view->clean_us, oracle->now_us + 250 * SIM_MS);
  view->breach_us = WD_NONE;
  view->breach_seq = 0;
  view->footprint_bytes = view->peak_bytes = WD_NONE;
  view->outgrown_bytes = 0;
  view->stored = FALSE;
  view->signals = WD_SIGNALS_NONE;
  view->stuck = FALSE;
  if (view->left) {
    view->held = TRUE;
    view->held_uuid = view->left_uuid;
    view->left = FALSE;
  }
  view->registered = view->uuid = view->missing_us = WD_NONE;
  view->missing_seq = 0;
  view->pings = (SimPings){0};
  view->missing_episode = view->ends_unregistered = view->ends_unwanted = FALSE;
  if (view->unwanted && !oracle->stopping)
    sim_oracle_unwanted(oracle, view);
  sim_oracle_expect(oracle, WD_EVENT_PROCESS_STARTED, input->process, WD_REASON_NONE);
  sim_trace_count(oracle->trace, SIM_TALLY_STARTS);
  if (input->process == WD_PROCESS_WORKER) {
    oracle->enforced_from_us = oracle->now_us + oracle->limits.watchdog_delay_s * SIM_S;
    oracle->last_probe_us = oracle->now_us;
    oracle->heard_us = oracle->now_us;
    oracle->answers = WD_NONE;
    oracle->unattributed = FALSE;
  }
}

/* --- any input --- */

static void
expect_stuck(SimOracle *oracle)
{
  for (guint i = WD_PROCESS_WORKER; i < oracle->count; i++) {
    SimView *view = &oracle->views[i];
    if (view->pid == WD_NONE || (view->signals & WD_SIGNALS_KILL) == 0 || view->stuck ||
        oracle->now_us < view->kill_us + WD_REAP_WAIT_US)
      continue;
    view->stuck = TRUE;
    SimExpected *stuck =
        sim_oracle_expect(oracle, WD_EVENT_TERMINATION_STUCK, i, sim_view_ending_reason(view));
    stuck->cause_seq = sim_view_ending_cause(view);
    sim_trace_count(oracle->trace, SIM_TALLY_STUCK);
  }
}

void
sim_oracle_input(SimOracle *oracle, const WdMachine *supervisor, const WdInput *input,
                 gint64 now_us)
{
  oracle->now_us = now_us;
  oracle->input = input->kind;
  oracle->gone = input->process;
  oracle->expected_count = 0;
  switch (input->kind) {
  case WD_INPUT_TICK:
    sim_oracle_tick(oracle, supervisor, input);
    break;
  case WD_INPUT_SPAWNED:
    spawned(oracle, input);
    break;
  case WD_INPUT_SPAWN_FAILED:
    sim_oracle_spawn_failed(oracle, input);
    break;
  case WD_INPUT_EXITED:
    sim_oracle_exited(oracle, input);
    break;
  case WD_INPUT_STORED:
    oracle->storeless = input->seq == G_MAXUINT64;
    for (guint i = 0; i < oracle->count; i++)
      if (oracle->views[i].breach_us != WD_NONE && oracle->views[i].breach_seq <= input->seq)
        oracle->views[i].stored = TRUE;
    sim_oracle_give_up_stored(oracle, input->seq);
    break;
  case WD_INPUT_FAULTED:
    sim_trace_count(oracle->trace, SIM_TALLY_FAULTS);
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    oracle->manager_accepts = sim_view_running(&oracle->views[WD_PROCESS_WORKER]);
    break;
  case WD_INPUT_REPORT:
    sim_oracle_observed(oracle, input->report);
    break;
  case WD_INPUT_SETTINGS:
    sim_oracle_settings(oracle, input->settings.limits);
    break;
  case WD_INPUT_WANTED:
    sim_oracle_wanted(oracle, input->process, input->wanted);
    break;
  case WD_INPUT_EVENTS_LOST:
    sim_oracle_expect(oracle, WD_EVENT_EVENTS_LOST, WD_PROCESS_WATCHDOG, WD_REASON_NONE);
    sim_trace_count(oracle->trace, SIM_TALLY_EVENTS_LOST);
    break;
  case WD_INPUT_HISTORY_RECOVERED:
    sim_oracle_expect(oracle, WD_EVENT_HISTORY_RECOVERED, WD_PROCESS_WATCHDOG, WD_REASON_NONE);
    sim_trace_count(oracle->trace, SIM_TALLY_RECOVERIES);
    break;
  case WD_INPUT_STOP:
    oracle->stop_requests++;
    sim_oracle_begin_stop(oracle, WD_REASON_REQUEST, WD_EXIT_STOPPED);
    break;
  case WD_INPUT_GIVEN_UP:
    oracle->history_known = TRUE;
    break;
  case WD_INPUT_FOUND:
  case WD_INPUT_LIMITS:
    break; /* an observer's */
  }
  sim_oracle_give_up_late(oracle);
  expect_stuck(oracle);
}
