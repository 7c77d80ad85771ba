/* Whether everything that a step had to do is done, and whether a tick will come in time. */
#include "tests/simulation/oracle.h"

/* What must be done, and until when: not done in time, or no tick wanted in time? */
static void
check_due(const SimOracle *oracle, gint64 deadline_us, gint64 due_us, guint process,
          const char *what)
{
  SIM_CHECK(oracle->trace, oracle->now_us < due_us, "%s of %u is missing", what, process);
  SIM_CHECK(oracle->trace, deadline_us <= due_us, "no tick in time for %s of %u", what, process);
}

/* What is being ended for memory is looked at every 50 ms at least, and killed once it has grown
 * too much, but not before its limit_exceeded is stored. */
static void
check_growth(const SimOracle *oracle, const SimView *view, guint process, gint64 deadline_us)
{
  if (!sim_view_ends_for_memory(view))
    return;
  SIM_CHECK(oracle->trace, deadline_us <= view->look_us + 50 * SIM_MS,
            "no tick in time for a look at %u, which is being ended for memory", process);
  const gboolean waits = !view->stored && oracle->now_us < view->breach_us + WD_STORE_WAIT_US;
  SIM_CHECK(oracle->trace,
            waits || (view->signals & WD_SIGNALS_KILL) != 0 || !sim_view_outgrown(oracle, view),
            "%u keeps growing", process);
}

static void
check_obligations(const SimOracle *oracle, guint process, gint64 deadline_us)
{
  const SimView *view = &oracle->views[process];
  if (view->pid == WD_NONE) {
    SIM_CHECK(oracle->trace, !sim_oracle_may_start(oracle, process), "the start of %u is missing",
              process);
    const SimView *worker = &oracle->views[WD_PROCESS_WORKER];
    if (!view->spawning && !view->stopped && !oracle->stopping &&
        (process == WD_PROCESS_WORKER || (oracle->manager_accepts && sim_view_running(worker))))
      check_due(oracle, deadline_us, view->due_us, process, "the start");
    return;
  }
  if (sim_view_running(view)) {
    SIM_CHECK(oracle->trace, !oracle->stopping, "%u still runs", process);
    SIM_CHECK(oracle->trace, !view->ends_unregistered && !view->ends_unwanted,
              "the end of %u is missing", process);
    return;
  }
  check_growth(oracle, view, process, deadline_us);
  if ((view->signals & WD_SIGNALS_KILL) != 0) {
    if (!view->stuck)
      check_due(oracle, deadline_us, view->kill_us + WD_REAP_WAIT_US, process, "the report");
    return;
  }
  SIM_CHECK(oracle->trace, oracle->stop_requests < 2, "the SIGKILL to %u is missing", process);
  if ((view->signals & WD_SIGNALS_TERM) != 0) {
    check_due(oracle, deadline_us, view->term_us + view->grace_us, process, "the SIGKILL");
    return;
  }
  SIM_CHECK(oracle->trace, !view->stored && view->signals == WD_SIGNALS_NONE,
            "the first signal to %u is missing", process);
  check_due(oracle, deadline_us, view->breach_us + WD_STORE_WAIT_US, process, "the first signal");
}

static WdState
state_of(const SimView *view)
{
  if (view->pid == WD_NONE)
    return view->stopped     ? WD_STATE_STOPPED
           : view->abandoned ? WD_STATE_ABANDONED
                             : WD_STATE_WAITING;
  if (view->stuck)
    return WD_STATE_STUCK;
  if ((view->signals & WD_SIGNALS_KILL) != 0)
    return WD_STATE_KILLING;
  return sim_view_running(view) ? WD_STATE_RUNNING : WD_STATE_TERMINATING;
}

static gint64
wall_s(gint64 monotonic_us, gint64 wall_offset_us)
{
  return (monotonic_us + wall_offset_us) / SIM_S;
}

static void
check_row(const SimOracle *oracle, guint process, const WdProcessStatus *row, gint64 wall_offset_us)
{
  const SimView *view = &oracle->views[process];
  const WdState state = state_of(view);
  SIM_CHECK(oracle->trace, row->state == state, "%u is shown as %s, not %s", process,
            wd_state_name(row->state), wd_state_name(state));
  SIM_CHECK(oracle->trace,
            row->pid == view->pid && row->restarts == MAX(view->starts - 1, 0) &&
                row->quick_exits == view->failures.quick_exits,
            "the row of %u", process);
  SIM_CHECK(oracle->trace,
            row->memory_limit_bytes == oracle->limits.memory_limit_bytes &&
                row->utilization_limit == oracle->limits.utilization_limit &&
                row->latency_limit_s == oracle->limits.latency_limit_s &&
                row->restart_limit == oracle->limits.respawn_limit,
            "the limits in the row of %u", process);
  const gboolean alive = view->pid != WD_NONE;
  const gboolean waits = state == WD_STATE_WAITING || state == WD_STATE_ABANDONED;
  SIM_CHECK(oracle->trace,
            row->start_time_s == (alive ? wall_s(view->started_us, wall_offset_us) : WD_NONE) &&
                row->next_start_time_s == (waits && view->due_us > oracle->now_us
                                               ? wall_s(view->due_us, wall_offset_us)
                                               : WD_NONE),
            "the times in the row of %u", process);
  const gboolean shown = alive && sim_oracle_knows_registrations(oracle);
  SIM_CHECK(oracle->trace,
            row->registered == (shown ? view->registered : WD_NONE) &&
                row->uuid == (shown ? view->uuid : WD_NONE),
            "the registration of %u", process);
}

/* What was taken off the list and is gone has no row. */
static void
check_status(const SimOracle *oracle, const WdMachine *supervisor, gint64 wall_offset_us)
{
  g_autoptr(GPtrArray) rows = wd_machine_status(supervisor, oracle->now_us, wall_offset_us);
  guint shown = WD_PROCESS_WORKER;
  for (guint i = WD_PROCESS_WORKER; i < oracle->count; i++) {
    const SimView *view = &oracle->views[i];
    if (view->unwanted && view->pid == WD_NONE && !view->spawning)
      continue;
    SIM_CHECK(oracle->trace, shown < rows->len, "the row of %u is missing", i);
    check_row(oracle, i, g_ptr_array_index(rows, shown++), wall_offset_us);
  }
  SIM_CHECK(oracle->trace, rows->len == shown, "%u rows", rows->len);
}

void
sim_oracle_settled(SimOracle *oracle, const WdMachine *supervisor, gint64 wall_offset_us)
{
  const gint64 deadline_us = wd_machine_deadline(supervisor);
  if (oracle->expected_count > 0)
    sim_trace_fail(oracle->trace, "%s of %u is missing",
                   wd_event_kind_name(oracle->expected[0].kind), oracle->expected[0].process);
  if (oracle->exited) {
    SIM_CHECK(oracle->trace, deadline_us == G_MAXINT64, "a deadline after the exit");
    return;
  }
  gboolean at_rest = oracle->stopping;
  for (guint i = WD_PROCESS_WORKER; i < oracle->count; i++) {
    check_obligations(oracle, i, deadline_us);
    SIM_CHECK(oracle->trace, !oracle->views[i].threads_due, "the threads of %u are forgotten", i);
    const SimView *view = &oracle->views[i];
    at_rest = at_rest && !view->spawning && (view->pid == WD_NONE || view->stuck);
  }
  SIM_CHECK(oracle->trace, !at_rest, "at rest, but it doesn't leave");
  SIM_CHECK(oracle->trace, deadline_us <= oracle->next_check_us, "no tick for the next check");
  if (oracle->input == WD_INPUT_TICK)
    SIM_CHECK(oracle->trace, deadline_us > oracle->now_us, "a busy loop");
  if (!oracle->manager_accepts && !oracle->stopping && oracle->limits.manager &&
      sim_view_running(&oracle->views[WD_PROCESS_WORKER]))
    SIM_CHECK(oracle->trace, deadline_us <= oracle->last_probe_us + 1 * SIM_S,
              "no tick for the next probe");
  if (oracle->trace->steps % 16 == 0)
    check_status(oracle, supervisor, wall_offset_us);
}
