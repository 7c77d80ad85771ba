/* Two rules written a second time, from their description and in another way, for the oracle: how
 * long to wait before the next start, and when a process is over its limits. */
#pragma once

#include "watchdog/core/machine/supervise.h"

typedef struct {
  gint64 quick_exits;
  gint64 short_runs;
  gint64 limit_kills;
} SimFailures;

typedef struct {
  gint64 delay_us;
  gboolean give_up;
} SimVerdictOnExit;

/* A run of @lifetime_us ended by itself. */
SimVerdictOnExit sim_failures_exit(SimFailures *failures, gint64 lifetime_us,
                                   const WdLimits *limits);

/* A run of @lifetime_us was ended for a limit. Returns: the delay in µs. */
gint64 sim_failures_limit_kill(SimFailures *failures, gint64 lifetime_us, const WdLimits *limits);

typedef struct {
  gint64 started_us;
  gint64 judged_us; /* the last time that CPU was judged */
  gint64 judged_ms;
  gint64 strikes;
  gint64 baseline_bytes; /* WD_NONE: none yet */
  gboolean baseline_final;
} SimMeasure;

SimMeasure sim_measure_new(gint64 started_us);

/* Takes in a sample. Returns: the verdict; measured, limit and unit like the supervisor's. */
WdVerdict sim_measure(SimMeasure *measure, const WdLimits *limits, const WdSample *sample,
                      gint64 now_us, gboolean regular);

/* What the memory limit would have been applied to for a resident size; WD_NONE: not known. */
gint64 sim_measure_footprint(const SimMeasure *measure, const WdLimits *limits,
                             gint64 resident_bytes, gint64 private_bytes);
