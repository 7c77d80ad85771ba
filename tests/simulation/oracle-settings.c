/* What a change of settings means, and what must follow from it. */
#include "tests/simulation/oracle.h"

void
sim_oracle_add(SimOracle *oracle)
{
  SimView *view = &oracle->views[oracle->count++];
  *view = (SimView){
      .pid = WD_NONE,
      .breach_us = WD_NONE,
      .own_exit_us = WD_NONE,
      .gone_us = WD_NONE,
      .registered = WD_NONE,
      .uuid = WD_NONE,
      .missing_us = WD_NONE,
      .due_us = oracle->now_us,
      .clean_us = oracle->disturbed_until_us + WD_CHECK_INTERVAL_S * SIM_S,
      .stopped = oracle->stopping,
  };
}

/* From now on; what is being ended keeps the grace that it was given. */
void
sim_oracle_settings(SimOracle *oracle, const WdLimits *limits)
{
  if (oracle->enforced_from_us != G_MAXINT64)
    oracle->enforced_from_us +=
        (limits->watchdog_delay_s - oracle->limits.watchdog_delay_s) * SIM_S;
  oracle->limits = *limits;
  sim_oracle_expect(oracle, WD_EVENT_SETTINGS_CHANGED, WD_PROCESS_WATCHDOG, WD_REASON_REQUEST);
  /* The next look is where the limits before had it. */
  for (guint i = 0; i < oracle->count; i++)
    oracle->views[i].clean_us =
        MAX(oracle->views[i].clean_us, oracle->now_us + WD_CHECK_INTERVAL_S * SIM_S);
}

void
sim_oracle_unwanted(SimOracle *oracle, SimView *view)
{
  view->ends_unwanted = TRUE;
  sim_view_grant(oracle, view, oracle->limits.forced_shutdown_delay_s);
}

/* It ends, and it won't start; or it may start again, and nothing is held against it. */
void
sim_oracle_wanted(SimOracle *oracle, guint process, gboolean wanted)
{
  SimView *view = &oracle->views[process];
  view->unwanted = !wanted;
  if (!wanted)
    sim_oracle_take_back(oracle, process);
  if (wanted) {
    view->failures = (SimFailures){0};
    view->own_exit_us = WD_NONE;
    view->unproven = view->limit_reached = FALSE;
    if (view->stopped)
      view->due_us = oracle->now_us;
    view->stopped = view->stopped && oracle->stopping;
  } else if (view->pid == WD_NONE) {
    view->stopped = !view->spawning;
    view->abandoned = view->abandoned && view->spawning;
  } else if (sim_view_running(view)) {
    sim_oracle_unwanted(oracle, view);
  }
}
