/* What an end means, be it a process's or that of an attempt to start one, and what follows. */
#include "tests/simulation/oracle.h"

#include <stdlib.h>
#include <string.h>

#define EXIT_BEFORE_WORKER_US (2 * SIM_S)
#define NOTICE_SLACK_S 5
#define UNDISTURBED_US (20 * SIM_S)

static void
after_end(SimOracle *oracle, guint process, SimVerdictOnExit verdict, WdReason reason)
{
  SimView *view = &oracle->views[process];
  view->abandoned = FALSE;
  if (oracle->stopping || view->unwanted) {
    view->stopped = TRUE;
    return;
  }
  view->due_us = oracle->now_us + verdict.delay_us;
  view->limit_reached = view->unproven && verdict.give_up;
  if (view->limit_reached)
    return;
  if (verdict.give_up && !view->indispensable) {
    sim_oracle_give_up(oracle, process, reason);
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
    sim_oracle_withdraw(view, oracle->now_us);
    sim_oracle_take_back(oracle, i);
  }
  oracle->denylisted = 0;
  oracle->unread_ends++;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->count; i++) {
    sim_oracle_unregistered(oracle, i, WD_REASON_WORKER_GONE, 0);
    oracle->views[i].left = oracle->views[i].held = FALSE;
  }
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
  const WdReason plain = reason;
  guint64 cause_seq = view->breach_us == WD_NONE ? 0 : view->breach_seq;
  const gboolean follows = follows_worker(oracle, process);
  const WdReason excuse = follows ? WD_REASON_NONE : sim_oracle_excuse(oracle, process);

  sim_oracle_forget_exit(view);
  if (view->breach_us != WD_NONE)
    sim_trace_count(oracle->trace, SIM_TALLY_GONE_UNSIGNALLED);
  if (follows) {
    const gboolean during = worker->pid != WD_NONE && !sim_view_running(worker);
    reason = WD_REASON_WORKER_GONE;
    cause_seq = during ? worker->breach_seq : worker->gone_seq;
    sim_trace_count(oracle->trace, during ? SIM_TALLY_FOLLOWED_DURING : SIM_TALLY_FOLLOWED_AFTER);
  } else if (excuse != WD_REASON_NONE) {
    if (reason == WD_REASON_EXIT && sim_oracle_hears(oracle))
      reason = excuse;
    sim_trace_count(oracle->trace, SIM_TALLY_EXCUSED);
  } else {
    check_follower(oracle, process);
    view->own_exit_us = oracle->now_us;
    view->failures_before_exit = view->failures;
    view->exit_reason = reason;
    view->unproven = process >= WD_PROCESS_FIRST_EXTENSION && !view->indispensable;
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
  sim_oracle_unregistered(oracle, process, excuse != WD_REASON_NONE ? plain : reason, 0);
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
  sim_oracle_forget_exit(view);
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

void
sim_oracle_exited(SimOracle *oracle, const WdInput *input)
{
  SimView *view = &oracle->views[input->process];
  const gboolean follows = follows_worker(oracle, input->process);
  const gboolean soon = oracle->now_us < view->started_us + 3 * SIM_S;
  const gboolean excused = view->signals == WD_SIGNALS_NONE && !follows &&
                           sim_oracle_excuse(oracle, input->process) != WD_REASON_NONE;
  if (view->signals != WD_SIGNALS_NONE)
    ended_by_us(oracle, input->process, input);
  else
    ended_by_itself(oracle, input->process, input);
  if (excused)
    view->due_us = MAX(oracle->now_us, view->started_us + 3 * SIM_S);
  /* Its core refuses the name until it has noticed; ours waits by itself. */
  if (input->process >= WD_PROCESS_FIRST_EXTENSION && !view->indispensable && !view->abandoned &&
      oracle->manager_accepts && !follows && !(excused && soon))
    view->due_us = MAX(view->due_us,
                       oracle->now_us + oracle->limits.extensions_interval_s * SIM_S + SIM_S / 2);
  view->pid = WD_NONE;
  view->gone_us = oracle->now_us;
  if (input->process == WD_PROCESS_WORKER)
    worker_gone(oracle);
}

void
sim_oracle_spawn_failed(SimOracle *oracle, const WdInput *input)
{
  SimView *view = &oracle->views[input->process];
  view->spawning = FALSE;
  view->file = atoll(input->file);
  sim_oracle_forget_exit(view);
  sim_oracle_expect(oracle, WD_EVENT_SPAWN_FAILED, input->process, WD_REASON_SPAWN);
  after_end(oracle, input->process, sim_failures_exit(&view->failures, 0, &oracle->limits),
            WD_REASON_SPAWN);
  sim_trace_count(oracle->trace, SIM_TALLY_SPAWN_FAILURES);
}
