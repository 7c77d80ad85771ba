/* What the outcome of a ping means, and which event must follow. */
#include "tests/simulation/oracle.h"

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
    break;
  }
}
