/* What an input means, and which events must therefore follow. */
#include "tests/simulation/oracle.h"

#include <string.h>

#define EXIT_BEFORE_WORKER_US (2 * SIM_S)
#define NOTICE_SLACK_S 5
#define UNDISTURBED_US (20 * SIM_S)

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
  };
  for (guint i = 0; i < oracle->count; i++) {
    SimView *view = &oracle->views[i];
    view->pid = WD_NONE;
    view->breach_us = WD_NONE;
    view->own_exit_us = WD_NONE;
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

/* --- an end, and what comes after it --- */

static void
give_up(SimOracle *oracle, guint process, WdReason reason)
{
  SimView *view = &oracle->views[process];
  SimExpected *reached = sim_oracle_expect(oracle, WD_EVENT_RESPAWN_LIMIT_REACHED, process, reason);
  if (process != WD_PROCESS_WORKER && oracle->limits.extension_give_up == WD_GIVE_UP_ABANDON) {
    view->abandoned = TRUE;
    view->due_us = oracle->now_us + MAX(oracle->limits.max_delay_s, WD_CHECK_INTERVAL_S) * SIM_S;
    sim_trace_count(oracle->trace, SIM_TALLY_ABANDONED);
    return;
  }
  reached->ends_all = TRUE;
  view->stopped = TRUE;
  sim_oracle_begin_stop(oracle, reason == WD_REASON_SPAWN ? WD_REASON_SPAWN : WD_REASON_EXIT,
                        WD_EXIT_FAILED);
  sim_trace_count(oracle->trace, process == WD_PROCESS_WORKER ? SIM_TALLY_WORKER_GIVE_UPS
                                                              : SIM_TALLY_EXTENSION_GIVE_UPS);
}

static void
after_end(SimOracle *oracle, guint process, SimVerdictOnExit verdict, WdReason reason)
{
  SimView *view = &oracle->views[process];
  view->abandoned = FALSE;
  if (oracle->stopping || view->unwanted) {
    view->stopped = TRUE;
    return;
  }
  if (verdict.give_up && !view->indispensable) {
    give_up(oracle, process, reason);
    return;
  }
  if (verdict.give_up) {
    verdict.delay_us = MAX(verdict.delay_us, WD_CHECK_INTERVAL_S * SIM_S);
    sim_trace_count(oracle->trace, SIM_TALLY_SPARED);
  }
  view->due_us = oracle->now_us + verdict.delay_us;
  if (verdict.delay_us > 0)
    sim_oracle_expect(oracle, WD_EVENT_RESPAWN_DELAYED, process, reason)->delay_us =
        verdict.delay_us;
}

/* The truth: the kernel knows why an extension went. Its going must use up nothing; where it came
 * before the worker's, that is seen when the worker goes. Not when the loop was stalled: then
 * nobody can know. */
static void
check_follower(const SimOracle *oracle, guint process)
{
  const SimProcess *real = sim_kernel_process(oracle->kernel, process);
  const SimProcess *worker = sim_kernel_process(oracle->kernel, WD_PROCESS_WORKER);
  const gboolean still_there =
      worker->life != SIM_LIFE_NONE && worker->start_ticks == real->follows;
  SIM_CHECK(oracle->trace,
            real->follows == 0 || still_there ||
                oracle->now_us < oracle->disturbed_until_us + UNDISTURBED_US,
            "%u went because the worker did, and that used up a try", process);
}

/* Whether the end of an extension follows from the worker's. */
static gboolean
follows_worker(const SimOracle *oracle, guint process)
{
  const SimView *worker = &oracle->views[WD_PROCESS_WORKER];
  if (process < WD_PROCESS_FIRST_EXTENSION)
    return FALSE;
  if (worker->pid != WD_NONE && !sim_view_running(worker))
    return TRUE;
  if (!oracle->manager_accepts)
    return TRUE;
  const gboolean older = oracle->worker_gone_us != WD_NONE &&
                         oracle->views[process].started_us <= oracle->worker_gone_us;
  const gint64 notice_s =
      oracle->limits.extensions_interval_s + oracle->limits.extensions_timeout_s + NOTICE_SLACK_S;
  return older && oracle->now_us - oracle->worker_gone_us <= notice_s * SIM_S;
}

static void
worker_gone(SimOracle *oracle)
{
  oracle->manager_accepts = FALSE;
  oracle->worker_gone_us = oracle->now_us;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->count; i++) {
    SimView *view = &oracle->views[i];
    if (view->own_exit_us == WD_NONE || oracle->now_us - view->own_exit_us > EXIT_BEFORE_WORKER_US)
      continue;
    if (memcmp(&view->failures, &view->failures_before_exit, sizeof view->failures) != 0)
      sim_trace_count(oracle->trace, SIM_TALLY_FOLLOWED_BEFORE);
    view->failures = view->failures_before_exit;
    view->abandoned = FALSE;
    view->due_us = oracle->now_us;
  }
  oracle->denylisted = 0;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->count; i++)
    sim_oracle_unregistered(oracle, i, WD_REASON_WORKER_GONE, 0);
}

/* Three workers in a row that failed within a second and never opened their manager's socket. */
static gboolean
command_line_is_broken(SimOracle *oracle, const WdInput *input, gint64 lifetime_us)
{
  const gboolean failed = input->exited.code != WD_NONE && input->exited.code != 0;
  if (failed && lifetime_us < 1 * SIM_S && oracle->limits.manager && !oracle->manager_accepts)
    oracle->failures_at_once++;
  else
    oracle->failures_at_once = 0;
  return oracle->failures_at_once == 3;
}

static void
ended_by_itself(SimOracle *oracle, guint process, const WdInput *input)
{
  SimView *view = &oracle->views[process];
  const SimView *worker = &oracle->views[WD_PROCESS_WORKER];
  const gint64 lifetime_us = oracle->now_us - view->started_us;
  const gboolean catastrophic =
      process == WD_PROCESS_WORKER && input->exited.code == 78 && !oracle->stopping;
  SimVerdictOnExit verdict = {0, FALSE};
  WdReason reason = input->exited.signal != WD_NONE ? WD_REASON_SIGNAL : WD_REASON_EXIT;
  if (input->exited.oom)
    reason = WD_REASON_OOM;
  guint64 cause_seq = view->breach_us == WD_NONE ? 0 : view->breach_seq;

  view->own_exit_us = oracle->now_us;
  view->failures_before_exit = view->failures;
  if (view->breach_us != WD_NONE)
    sim_trace_count(oracle->trace, SIM_TALLY_GONE_UNSIGNALLED);
  if (follows_worker(oracle, process)) {
    const gboolean during = worker->pid != WD_NONE && !sim_view_running(worker);
    reason = WD_REASON_WORKER_GONE;
    cause_seq = during ? worker->breach_seq : worker->gone_seq;
    sim_trace_count(oracle->trace, during ? SIM_TALLY_FOLLOWED_DURING : SIM_TALLY_FOLLOWED_AFTER);
  } else {
    check_follower(oracle, process);
    verdict = sim_failures_exit(&view->failures, lifetime_us, &oracle->limits);
    sim_trace_count(oracle->trace, reason == WD_REASON_EXIT ? SIM_TALLY_EXITS : SIM_TALLY_CRASHES);
    if (reason == WD_REASON_OOM)
      sim_trace_count(oracle->trace, SIM_TALLY_OOM_KILLS);
  }
  SimExpected *exited = sim_oracle_expect(oracle, WD_EVENT_PROCESS_EXITED, process, reason);
  exited->code = input->exited.code;
  exited->signal = input->exited.signal;
  exited->cause_seq = cause_seq;
  exited->ends_all = catastrophic;
  sim_oracle_unregistered(oracle, process, reason, 0);
  if (catastrophic) {
    sim_trace_count(oracle->trace, SIM_TALLY_EXITS_78);
    view->stopped = TRUE;
    sim_oracle_begin_stop(oracle, WD_REASON_EXIT, WD_EXIT_CATASTROPHIC);
    return;
  }
  if (process == WD_PROCESS_WORKER && !oracle->stopping &&
      command_line_is_broken(oracle, input, lifetime_us)) {
    sim_oracle_expect(oracle, WD_EVENT_RESPAWN_LIMIT_REACHED, process, WD_REASON_EXIT)->ends_all =
        TRUE;
    sim_trace_count(oracle->trace, SIM_TALLY_BROKEN_COMMAND_LINES);
    view->stopped = TRUE;
    sim_oracle_begin_stop(oracle, WD_REASON_EXIT, WD_EXIT_FAILED);
    return;
  }
  after_end(oracle, process, verdict, reason);
}

static void
ended_by_us(SimOracle *oracle, guint process, const WdInput *input)
{
  SimView *view = &oracle->views[process];
  const WdReason reason = sim_view_ending_reason(view);
  SimExpected *terminated = sim_oracle_expect(oracle, WD_EVENT_PROCESS_TERMINATED, process, reason);
  terminated->code = input->exited.code;
  terminated->signal = input->exited.signal;
  terminated->cause_seq = sim_view_ending_cause(view);
  sim_oracle_unregistered(oracle, process, reason, 0);
  SimVerdictOnExit verdict = {0, FALSE};
  view->own_exit_us = WD_NONE;
  if (view->breach_us != WD_NONE || view->ends_unregistered) {
    const gint64 kills = view->failures.limit_kills;
    verdict.delay_us = sim_failures_limit_kill(&view->failures, oracle->now_us - view->started_us,
                                               &oracle->limits);
    if (kills > view->failures.limit_kills)
      sim_trace_count(oracle->trace, SIM_TALLY_FORGIVEN);
  }
  after_end(oracle, process, verdict, reason);
  sim_trace_count(oracle->trace, view->stuck                              ? SIM_TALLY_UNSTUCK
                                 : (view->signals & WD_SIGNALS_KILL) != 0 ? SIM_TALLY_KILLED
                                                                          : SIM_TALLY_GRACEFUL);
}

static void
exited(SimOracle *oracle, const WdInput *input)
{
  SimView *view = &oracle->views[input->process];
  const gboolean follows = follows_worker(oracle, input->process);
  if (view->signals != WD_SIGNALS_NONE)
    ended_by_us(oracle, input->process, input);
  else
    ended_by_itself(oracle, input->process, input);
  /* Its core refuses the name until it has noticed; ours waits by itself. */
  if (input->process >= WD_PROCESS_FIRST_EXTENSION && !view->indispensable && !view->abandoned &&
      oracle->manager_accepts && !follows)
    view->due_us = MAX(view->due_us,
                       oracle->now_us + oracle->limits.extensions_interval_s * SIM_S + SIM_S / 2);
  view->pid = WD_NONE;
  if (input->process == WD_PROCESS_WORKER)
    worker_gone(oracle);
}

static void
spawned(SimOracle *oracle, const WdInput *input)
{
  SimView *view = &oracle->views[input->process];
  view->spawning = FALSE;
  view->abandoned = FALSE;
  view->pid = input->spawned.pid;
  view->started_us = oracle->now_us;
  view->starts++;
  view->measure = sim_measure_new(oracle->now_us);
  view->episode = FALSE;
  view->clean_us = MAX(view->clean_us, oracle->now_us + 250 * SIM_MS);
  view->breach_us = WD_NONE;
  view->breach_seq = 0;
  view->stored = FALSE;
  view->signals = WD_SIGNALS_NONE;
  view->stuck = FALSE;
  view->registered = view->uuid = view->missing_us = WD_NONE;
  view->missing_seq = 0;
  view->missing_episode = view->ends_unregistered = view->ends_unwanted = FALSE;
  if (view->unwanted && !oracle->stopping)
    sim_oracle_unwanted(oracle, view);
  sim_oracle_expect(oracle, WD_EVENT_PROCESS_STARTED, input->process, WD_REASON_NONE);
  sim_trace_count(oracle->trace, SIM_TALLY_STARTS);
  if (input->process == WD_PROCESS_WORKER) {
    oracle->enforced_from_us = oracle->now_us + oracle->limits.watchdog_delay_s * SIM_S;
    oracle->last_probe_us = oracle->now_us;
    oracle->heard_us = oracle->now_us;
  }
}

static void
spawn_failed(SimOracle *oracle, const WdInput *input)
{
  SimView *view = &oracle->views[input->process];
  view->spawning = FALSE;
  view->own_exit_us = WD_NONE;
  sim_oracle_expect(oracle, WD_EVENT_SPAWN_FAILED, input->process, WD_REASON_SPAWN);
  after_end(oracle, input->process, sim_failures_exit(&view->failures, 0, &oracle->limits),
            WD_REASON_SPAWN);
  sim_trace_count(oracle->trace, SIM_TALLY_SPAWN_FAILURES);
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
sim_oracle_input(SimOracle *oracle, const WdSupervisor *supervisor, const WdInput *input,
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
    spawn_failed(oracle, input);
    break;
  case WD_INPUT_EXITED:
    exited(oracle, input);
    break;
  case WD_INPUT_STORED:
    for (guint i = 0; i < oracle->count; i++)
      if (oracle->views[i].breach_us != WD_NONE && oracle->views[i].breach_seq <= input->seq)
        oracle->views[i].stored = TRUE;
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    oracle->manager_accepts = sim_view_running(&oracle->views[WD_PROCESS_WORKER]);
    break;
  case WD_INPUT_OBSERVATION:
    sim_oracle_observed(oracle, input->observation);
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
  }
  expect_stuck(oracle);
}
