/* What a tick shows of the processes, and what must follow from it. */
#include "tests/simulation/oracle.h"

#define SLOWEST_DETECTION_US (300 * SIM_MS)
/* where page faults are counted */
#define SLOWEST_COUNTED_DETECTION_US (20 * SIM_MS + SIM_FAULT_SIGNAL_US)

static gboolean
watched(const SimOracle *oracle, guint process)
{
  if (!oracle->limits.enforce)
    return FALSE;
  if (process == WD_PROCESS_WATCHDOG)
    return TRUE;
  return (process == WD_PROCESS_WORKER || oracle->limits.enforce_extensions) &&
         oracle->now_us >= oracle->enforced_from_us;
}

gboolean
sim_view_ends_for_memory(const SimView *view)
{
  return view->pid != WD_NONE && view->breach_us != WD_NONE && view->reason == WD_REASON_MEMORY &&
         !view->stuck;
}

gboolean
sim_view_outgrown(const SimOracle *oracle, const SimView *view)
{
  const WdLimits *limits = &oracle->limits;
  const double limit = (double)limits->memory_limit_bytes;
  const double most = MIN(limit / 100 * (double)limits->grace_limit_percent, limit + 256. * SIM_MB);
  return sim_view_ends_for_memory(view) && limits->grace_limit_percent > 0 &&
         view->footprint_bytes > view->breach.measured && (double)view->footprint_bytes > most;
}

/* Unless something disturbed the looks, what is over its memory limit now wasn't so long ago. */
static void
check_detection(const SimOracle *oracle, guint process)
{
  const SimView *view = &oracle->views[process];
  const gboolean counted = sim_kernel_process(oracle->kernel, process)->has_counter;
  const gint64 slowest_us = counted ? SLOWEST_COUNTED_DETECTION_US : SLOWEST_DETECTION_US;
  const gint64 before_us = oracle->now_us - slowest_us - 1 * SIM_MS;
  if (process == WD_PROCESS_WATCHDOG || before_us < MAX(view->clean_us, oracle->enforced_from_us) ||
      oracle->kernel->processes[process].life != SIM_LIFE_ALIVE)
    return;
  const gint64 resident_bytes =
      sim_process_resident(sim_kernel_process(oracle->kernel, process), before_us);
  const gint64 footprint_bytes =
      sim_measure_footprint(&view->measure, &oracle->limits, resident_bytes, resident_bytes / 2);
  SIM_CHECK(oracle->trace,
            footprint_bytes <=
                oracle->limits.memory_limit_bytes + (counted ? SIM_COUNTED_BYTES : 0),
            "%u was over its memory limit %" G_GINT64_FORMAT " ms ago already", process,
            slowest_us / SIM_MS);
  sim_trace_count(oracle->trace, SIM_TALLY_QUICK_DETECTIONS);
  if (counted)
    sim_trace_count(oracle->trace, SIM_TALLY_COUNTED_DETECTIONS);
}

static void
breached_dry(SimOracle *oracle, guint process, const WdVerdict *verdict)
{
  SimView *view = &oracle->views[process];
  const gboolean hung = verdict->reason == WD_REASON_UNRESPONSIVE;
  gboolean *episode = hung ? &view->pings.only_recorded : &view->episode;
  if (!*episode) {
    sim_oracle_expect(oracle, WD_EVENT_WOULD_TERMINATE, process, verdict->reason)->verdict =
        *verdict;
    sim_trace_count(oracle->trace, hung ? SIM_TALLY_DRY_HUNG : SIM_TALLY_DRY_BREACHES);
  }
  *episode = TRUE;
}

void
sim_oracle_breached(SimOracle *oracle, guint process, const WdVerdict *verdict)
{
  SimView *view = &oracle->views[process];
  const WdReason reason = verdict->reason;
  if (oracle->limits.dry_run) {
    breached_dry(oracle, process, verdict);
    return;
  }
  if (process == WD_PROCESS_WATCHDOG && oracle->stopping)
    return;
  SimExpected *exceeded = sim_oracle_expect(oracle, WD_EVENT_LIMIT_EXCEEDED, process, reason);
  exceeded->verdict = *verdict;
  if (process == WD_PROCESS_WATCHDOG) {
    exceeded->ends_all = TRUE;
    sim_oracle_begin_stop(oracle, WD_REASON_HEALTH, WD_EXIT_CATASTROPHIC);
    sim_trace_count(oracle->trace, SIM_TALLY_UNHEALTHY);
    return;
  }
  view->breach_us = oracle->now_us;
  view->breach = *verdict;
  view->measure.baseline_final = view->measure.baseline_bytes != WD_NONE;
  sim_view_grant(oracle, view, oracle->limits.forced_shutdown_delay_s);
  view->reason = reason;
  if (reason == WD_REASON_MEMORY)
    check_detection(oracle, process);
  sim_trace_count(oracle->trace, reason == WD_REASON_MEMORY ? SIM_TALLY_MEMORY_BREACHES
                                 : reason == WD_REASON_CPU  ? SIM_TALLY_CPU_BREACHES
                                                            : SIM_TALLY_HUNG);
}

/* A process whose page faults are counted, and which has made none, is looked at only where
 * enforcing may have begun since the last look. */
static void
check_is_reason_to_look(const SimOracle *oracle, guint process)
{
  SIM_CHECK(oracle->trace,
            !sim_kernel_process(oracle->kernel, process)->faults_counted ||
                !oracle->views[process].was_watched,
            "a look at %u, which has taken no memory", process);
}

static void
looked_at(SimOracle *oracle, guint process, const WdSample *sample, gboolean regular)
{
  SimView *view = &oracle->views[process];
  const gboolean no_memory = sample == NULL || (oracle->limits.memory_metric == WD_METRIC_PRIVATE &&
                                                sample->private_bytes == WD_NONE);
  if (no_memory)
    view->clean_us = MAX(view->clean_us, oracle->now_us + WD_CHECK_INTERVAL_S * SIM_S);
  view->was_watched = watched(oracle, process);
  view->look_us = oracle->now_us;
  if (sample == NULL)
    return;
  const WdVerdict verdict =
      sim_measure(&view->measure, &oracle->limits, sample, oracle->now_us, regular);
  const gint64 footprint_bytes = sim_measure_footprint(
      &view->measure, &oracle->limits, sample->resident_bytes, sample->private_bytes);
  view->footprint_bytes = footprint_bytes;
  view->peak_bytes = MAX(view->peak_bytes, footprint_bytes);
  if (verdict.reason == WD_REASON_NONE) {
    if (!regular)
      return;
    view->episode = FALSE;
    view->threads_due =
        process != WD_PROCESS_WATCHDOG &&
        (view->measure.strikes > 0 || footprint_bytes > oracle->limits.memory_limit_bytes / 2);
    return;
  }
  if (!sim_view_running(view) || !watched(oracle, process))
    return;
  if (process != WD_PROCESS_WATCHDOG && sample->ppid != SIM_WATCHDOG_PID) {
    sim_trace_count(oracle->trace, SIM_TALLY_FOREIGN);
    return;
  }
  sim_oracle_breached(oracle, process, &verdict);
}

void
sim_oracle_tick(SimOracle *oracle, const WdMachine *supervisor, const WdInput *input)
{
  const gboolean regular = oracle->now_us >= oracle->next_check_us;
  if (!oracle->started)
    sim_oracle_expect(oracle, WD_EVENT_WATCHDOG_STARTED, WD_PROCESS_WATCHDOG, WD_REASON_NONE);
  oracle->started = TRUE;
  for (guint n = 0; n < oracle->count; n++) {
    const guint i = (n + WD_PROCESS_WORKER) % oracle->count;
    const SimView *view = &oracle->views[i];
    const gboolean wanted = wd_machine_wants_sample(supervisor, i, oracle->now_us);
    SIM_CHECK(oracle->trace, !wanted || view->pid != WD_NONE, "a sample of %u, which is gone", i);
    if (regular)
      SIM_CHECK(oracle->trace, wanted || view->pid == WD_NONE, "no check of %u", i);
    else
      SIM_CHECK(oracle->trace,
                !wanted || sim_view_ends_for_memory(view) ||
                    (i != WD_PROCESS_WATCHDOG && sim_view_running(view) && watched(oracle, i)),
                "a look at %u, which nothing depends on", i);
    if (!regular && wanted && !sim_view_ends_for_memory(view))
      check_is_reason_to_look(oracle, i);
    if (wanted)
      looked_at(oracle, i, input->samples[i], regular);
  }
  if (regular)
    oracle->next_check_us = oracle->now_us + WD_CHECK_INTERVAL_S * SIM_S;
}

void
sim_oracle_disturbed(SimOracle *oracle, gint64 until_us)
{
  oracle->disturbed_until_us = MAX(oracle->disturbed_until_us, until_us);
  for (guint i = 0; i < oracle->count; i++)
    oracle->views[i].clean_us =
        MAX(oracle->views[i].clean_us, until_us + WD_CHECK_INTERVAL_S * SIM_S);
}
