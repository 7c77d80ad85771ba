/* What the outcome of a ping means, and what must follow from it. */
#include "tests/simulation/oracle.h"

/* The truth: it must have hung all the time. */
static void
check_hang(const SimOracle *oracle, guint process)
{
  const SimProcess *real = sim_kernel_process(oracle->kernel, process);
  const gint64 timeout_us = oracle->limits.unresponsive_timeout_s * SIM_S;
  SIM_CHECK(oracle->trace, real->hangs_from_us + timeout_us <= oracle->now_us,
            "%u is to be ended for not answering, but it answered", process);
}

static void
judge(SimOracle *oracle, guint process)
{
  SimView *view = &oracle->views[process];
  const WdVerdict verdict = {.reason = WD_REASON_UNRESPONSIVE,
                             .measured = sim_pings_lasted_ms(&view->pings),
                             .limit = oracle->limits.unresponsive_timeout_s * 1000,
                             .unit = WD_UNIT_MS};
  if (verdict.limit == 0 || verdict.measured <= verdict.limit || !view->pings.ever ||
      !oracle->limits.enforce || oracle->now_us < oracle->enforced_from_us)
    return;
  check_hang(oracle, process);
  sim_oracle_breached(oracle, process, &verdict);
}

void
sim_oracle_pinged(SimOracle *oracle, guint process, gboolean answered)
{
  SimView *view = &oracle->views[process];
  if (!sim_view_running(view))
    return;
  switch (sim_pings_take(&view->pings, answered, oracle->now_us)) {
  case SIM_PINGS_STOP:
    sim_oracle_expect(oracle, WD_EVENT_UNRESPONSIVE, process, WD_REASON_NONE);
    sim_trace_count(oracle->trace, SIM_TALLY_UNRESPONSIVE);
    break;
  case SIM_PINGS_AGAIN:
    sim_oracle_expect(oracle, WD_EVENT_RESPONSIVE, process, WD_REASON_NONE);
    sim_trace_count(oracle->trace, SIM_TALLY_RESPONSIVE);
    break;
  case SIM_PINGS_SAME:
    if (view->pings.since_us != 0)
      judge(oracle, process);
    break;
  }
}
