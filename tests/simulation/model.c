#include "tests/simulation/model.h"

/* A run as long as this proves something. */
static void
forget(SimFailures *failures, gint64 lifetime_us)
{
  if (lifetime_us >= 60 * G_TIME_SPAN_SECOND)
    failures->quick_exits = failures->short_runs = 0;
  if (lifetime_us >= 10 * G_TIME_SPAN_MINUTE)
    failures->limit_kills = 0;
}

SimVerdictOnExit
sim_failures_exit(SimFailures *failures, gint64 lifetime_us, const WdLimits *limits)
{
  SimVerdictOnExit verdict = {0, FALSE};
  forget(failures, lifetime_us);
  if (lifetime_us >= 60 * G_TIME_SPAN_SECOND)
    return verdict;
  /* When stock would see it gone: it looks every 3 s from the start on. */
  gint64 seen_us = 3 * G_TIME_SPAN_SECOND;
  while (seen_us < lifetime_us)
    seen_us += 3 * G_TIME_SPAN_SECOND;
  if (seen_us >= limits->quick_exit_s * G_TIME_SPAN_SECOND) {
    const gboolean waits = ++failures->short_runs >= 3;
    verdict.delay_us =
        waits ? MIN(seen_us - lifetime_us, limits->max_delay_s * G_TIME_SPAN_SECOND) : 0;
    return verdict;
  }
  gint64 power_s = 1;
  for (gint64 i = 0; i <= failures->quick_exits && power_s < limits->max_delay_s; i++)
    power_s *= 2;
  verdict.delay_us =
      MIN(limits->respawn_delay_s + power_s, limits->max_delay_s) * G_TIME_SPAN_SECOND;
  verdict.give_up = ++failures->quick_exits > limits->respawn_limit;
  return verdict;
}

gint64
sim_failures_limit_kill(SimFailures *failures, gint64 lifetime_us, const WdLimits *limits)
{
  static const gint64 delays_s[] = {0, 0, 5, 10, 20, 40, 60};
  forget(failures, lifetime_us);
  const gint64 nth = MIN(failures->limit_kills, (gint64)G_N_ELEMENTS(delays_s) - 1);
  failures->limit_kills++;
  return MIN(delays_s[nth], limits->max_delay_s) * G_TIME_SPAN_SECOND;
}

SimMeasure
sim_measure_new(gint64 started_us)
{
  return (SimMeasure){.started_us = started_us, .judged_us = started_us, .baseline_bytes = WD_NONE};
}

gint64
sim_measure_footprint(const SimMeasure *measure, const WdLimits *limits, gint64 resident_bytes,
                      gint64 private_bytes)
{
  switch (limits->memory_metric) {
  case WD_METRIC_RESIDENT:
    return resident_bytes;
  case WD_METRIC_PRIVATE:
    return private_bytes;
  case WD_METRIC_GROWTH:
    return measure->baseline_bytes == WD_NONE ? WD_NONE
                                              : MAX(0, resident_bytes - measure->baseline_bytes);
  }
  g_assert_not_reached();
}

WdVerdict
sim_measure(SimMeasure *measure, const WdLimits *limits, const WdSample *sample, gint64 now_us,
            gboolean regular)
{
  const gint64 age_us = now_us - measure->started_us;
  const gboolean full = regular && age_us >= WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND;
  WdVerdict cpu = {.reason = WD_REASON_NONE};
  if (full) {
    const gint64 elapsed_ms = (now_us - measure->judged_us) / 1000;
    const gint64 used_ms = sample->user_ms + sample->system_ms - measure->judged_ms;
    const gint64 allowed_ms = elapsed_ms * limits->cpus * limits->utilization_limit / 100;
    measure->judged_us = now_us;
    measure->judged_ms = sample->user_ms + sample->system_ms;
    measure->strikes = used_ms > allowed_ms ? measure->strikes + 1 : 0;
    if (measure->strikes > 0 && measure->strikes * WD_CHECK_INTERVAL_S >= limits->latency_limit_s)
      cpu = (WdVerdict){
          .reason = WD_REASON_CPU, .measured = used_ms, .limit = allowed_ms, .unit = WD_UNIT_MS};
  }
  if (full && !measure->baseline_final) {
    measure->baseline_bytes = sample->resident_bytes;
    measure->baseline_final = TRUE;
  } else if (measure->baseline_bytes == WD_NONE && age_us >= 250 * G_TIME_SPAN_MILLISECOND) {
    measure->baseline_bytes = sample->resident_bytes;
  }
  if (cpu.reason != WD_REASON_NONE)
    return cpu;
  const gint64 footprint_bytes =
      sim_measure_footprint(measure, limits, sample->resident_bytes, sample->private_bytes);
  if (footprint_bytes == WD_NONE || footprint_bytes <= limits->memory_limit_bytes)
    return (WdVerdict){.reason = WD_REASON_NONE};
  return (WdVerdict){.reason = WD_REASON_MEMORY,
                     .measured = footprint_bytes,
                     .limit = limits->memory_limit_bytes,
                     .unit = WD_UNIT_BYTES};
}
