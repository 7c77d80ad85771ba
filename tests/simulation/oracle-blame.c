/* Which exits of extensions count, and what follows when they are too many. */
#include "tests/simulation/oracle.h"

#define PATIENCE_US ((3 * 3 + 2) * SIM_S) /* three intervals of reports, and a little more */
#define REMEMBERED_US (24 * 3600 * SIM_S)
#define STORE_US (2 * SIM_S)

static WdReason
lasting_excuse(SimOracle *oracle, SimView *view)
{
  const gboolean silent = oracle->answers != TRUE ||
                          oracle->views[WD_PROCESS_WORKER].pid == WD_NONE ||
                          oracle->now_us > oracle->heard_us + PATIENCE_US;
  if (silent || view->held) {
    view->excused = TRUE;
    view->excused_us = oracle->now_us;
    view->excuse = silent ? WD_REASON_WORKER_SILENT : WD_REASON_REGISTRATION;
    return view->excuse;
  }
  return view->excused && oracle->now_us <= view->excused_us + PATIENCE_US ? view->excuse
                                                                           : WD_REASON_NONE;
}

WdReason
sim_oracle_excuse(SimOracle *oracle, guint process)
{
  SimView *view = &oracle->views[process];
  if (process < WD_PROCESS_FIRST_EXTENSION || view->indispensable)
    return WD_REASON_NONE;
  const WdReason lasting = lasting_excuse(oracle, view);
  return lasting == WD_REASON_NONE && oracle->unattributed ? WD_REASON_REGISTRATION : lasting;
}

/* Nobody reports without the tables extension: then nothing can be said of the worker. */
gboolean
sim_oracle_hears(const SimOracle *oracle)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->count; i++)
    if (oracle->views[i].indispensable)
      return TRUE;
  return FALSE;
}

void
sim_oracle_forget_exit(SimView *view)
{
  if (view->unproven)
    view->failures = view->failures_before_exit;
  view->own_exit_us = WD_NONE;
  view->unproven = view->limit_reached = FALSE;
}

void
sim_oracle_withdraw(SimView *view, gint64 due_us)
{
  view->failures = view->failures_before_exit;
  view->own_exit_us = WD_NONE;
  view->unproven = view->limit_reached = FALSE;
  if (view->pid == WD_NONE && !view->stopped) {
    view->abandoned = FALSE;
    view->due_us = due_us;
  }
}

static void
abandon(SimOracle *oracle, SimView *view)
{
  view->abandoned = TRUE;
  view->due_us = oracle->now_us + MAX(oracle->limits.max_delay_s, WD_CHECK_INTERVAL_S) * SIM_S;
  sim_trace_count(oracle->trace, SIM_TALLY_ABANDONED);
}

static void
end_all(SimOracle *oracle, WdReason reason)
{
  sim_oracle_begin_stop(oracle, reason == WD_REASON_SPAWN ? WD_REASON_SPAWN : WD_REASON_EXIT,
                        WD_EXIT_FAILED);
}

void
sim_oracle_give_up(SimOracle *oracle, guint process, WdReason reason)
{
  SimView *view = &oracle->views[process];
  SimExpected *reached = sim_oracle_expect(oracle, WD_EVENT_RESPAWN_LIMIT_REACHED, process, reason);
  if (process == WD_PROCESS_WORKER) {
    reached->ends_all = TRUE;
    view->stopped = TRUE;
    end_all(oracle, reason);
    sim_trace_count(oracle->trace, SIM_TALLY_WORKER_GIVE_UPS);
    return;
  }
  const gboolean remembered =
      view->file == view->remembered_file && oracle->now_us < view->remembered_until_us;
  abandon(oracle, view);
  if (oracle->limits.extension_give_up == WD_GIVE_UP_ABANDON || !oracle->history_known ||
      oracle->storeless)
    return;
  if (remembered) {
    view->remembered_until_us = oracle->now_us + REMEMBERED_US;
    sim_trace_count(oracle->trace, SIM_TALLY_REMEMBERED);
    return;
  }
  reached->acknowledged = TRUE;
  reached->gives_up = oracle->give_up_due_us == 0;
  if (!reached->gives_up)
    return;
  oracle->give_up_reason = reason;
  oracle->give_up_process = process;
  oracle->give_up_due_us = oracle->now_us + STORE_US;
}

void
sim_oracle_remembers(SimOracle *oracle, guint process, gint64 file, gint64 left_s)
{
  oracle->views[process].remembered_file = file;
  oracle->views[process].remembered_until_us = oracle->now_us + left_s * SIM_S;
}

void
sim_oracle_give_up_stored(SimOracle *oracle, guint64 seq)
{
  if (oracle->storeless || oracle->give_up_due_us == 0 || seq < oracle->give_up_seq ||
      oracle->stopping)
    return;
  oracle->stop_cause_seq = oracle->give_up_seq;
  end_all(oracle, oracle->give_up_reason);
  sim_trace_count(oracle->trace, SIM_TALLY_EXTENSION_GIVE_UPS);
}

void
sim_oracle_take_back(SimOracle *oracle, guint process)
{
  if (oracle->give_up_process == process)
    oracle->give_up_due_us = 0;
}

void
sim_oracle_give_up_late(SimOracle *oracle)
{
  if (oracle->give_up_due_us == 0 || oracle->now_us < oracle->give_up_due_us || oracle->stopping)
    return;
  oracle->give_up_due_us = 0;
  sim_trace_count(oracle->trace, SIM_TALLY_NOT_STORED);
}

void
sim_oracle_judge_exits(SimOracle *oracle)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->count; i++) {
    SimView *view = &oracle->views[i];
    if (!view->unproven)
      continue;
    if (lasting_excuse(oracle, view) != WD_REASON_NONE ||
        oracle->now_us > view->own_exit_us + PATIENCE_US) {
      const gint64 name_us =
          view->left ? view->own_exit_us + oracle->limits.extensions_interval_s * SIM_S + SIM_S / 2
                     : 0;
      sim_oracle_withdraw(view, MAX(MAX(oracle->now_us, view->started_us + 3 * SIM_S), name_us));
      sim_trace_count(oracle->trace, SIM_TALLY_WITHDRAWN);
      continue;
    }
    const gboolean gives_up =
        view->limit_reached && view->pid == WD_NONE && !view->spawning && !view->stopped;
    view->unproven = view->limit_reached = FALSE;
    if (gives_up)
      sim_oracle_give_up(oracle, i, view->exit_reason);
  }
}
