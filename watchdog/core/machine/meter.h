/* Measures one process against its limits, as osquery/core/watcher.cpp `getChange` does, with these
 * differences: CPU is judged against the time that really passed, memory is measured anew for each
 * process and looked at between the regular checks too. One WdMeter a process. */
#pragma once

#include "watchdog/core/event/event.h"
#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

/* What was read of a process at one moment. */
typedef struct {
  gint64 user_ms; /* CPU time since the process's start */
  gint64 system_ms;
  gint64 resident_bytes;
  gint64 private_bytes; /* RssAnon + VmSwap, or WD_NONE: not known */
  gint64 threads;
  gint64 ppid;
} WdSample;

typedef struct {
  WdReason reason; /* WD_REASON_MEMORY or WD_REASON_CPU; WD_REASON_NONE: within the limits */
  gint64 measured; /* in @unit, as is the limit; WD_NONE: within */
  gint64 limit;
  WdUnit unit;
  /* CPU only */
  double utilization;
  gint64 utilization_limit;
  gint64 sustained_s;
} WdVerdict;

/* Everything but the results is the meter's own business. */
typedef struct {
  /* results; WD_NONE or NAN: not known yet */
  double utilization;          /* % of all CPUs between the last two regular samples */
  gint64 cpu_used_ms;          /* between them */
  gint64 cpu_allowed_ms;       /* likewise */
  gint64 sustained_s;          /* over the utilization limit for so long */
  gint64 footprint_bytes;      /* what the memory limit is applied to */
  gint64 peak_footprint_bytes; /* the greatest of them */
  gint64 baseline_bytes;       /* the resident size that growth counts from */

  gint64 started_us;
  gboolean baseline_final; /* FALSE: provisional, until the first regular sample */
  gint64 regular_us;       /* the last regular sample, or the start */
  gint64 user_ms;          /* at that time */
  gint64 system_ms;
  guint strikes;        /* regular samples in a row over the utilization limit */
  gint64 sample_us;     /* the last sample, or the start */
  gint64 memory_bytes;  /* by the metric, before the baseline is taken off; WD_NONE: not known */
  double growth_per_us; /* bytes, between the last two samples; 0: not known */
} WdMeter;

/* Begins anew, for a process started at @started_us (monotonic). */
void wd_meter_reset(WdMeter *meter, gint64 started_us);

/* When the last regular sample was made; WD_NONE before the first one. */
gint64 wd_meter_regular_us(const WdMeter *meter);

/* Takes in a sample made at @now_us.
 * @sample: NULL if nothing could be read: the results stay as they are.
 * @regular: the regular check, at which CPU is judged. The first regular sample counts as one only
 * from WD_CHECK_INTERVAL_S after the start; before, as a look at the memory.
 *
 * CPU (regular samples): a strike when more was used since the last one than utilization_limit % of
 * all CPUs over the time that really passed, a missed check included; the strikes of a row count
 * WD_CHECK_INTERVAL_S each, however late they are. Over the limit from latency_limit_s on.
 *
 * Memory (every sample): the footprint is the resident size, the private size, or by the metric
 * `growth` the resident size less the baseline. Baseline: the resident size at the first regular
 * sample; until then at the first sample WD_BASELINE_SETTLE_US after the start. Over the limit when
 * greater.
 *
 * Returns: CPU before memory when both are over, as osquery has it. */
WdVerdict wd_meter_sample(WdMeter *meter, const WdLimits *limits, const WdSample *sample,
                          gint64 now_us, gboolean regular);

#define WD_BASELINE_SETTLE_US (250 * 1000)

/* When to look at the memory again (monotonic), never later than WD_CHECK_INTERVAL_S after the last
 * sample.
 *
 * The aim: however suddenly a process begins to grow, at up to 1 GB/s, it is seen at most 300 ms
 * after it crossed the limit. Below the limit by H bytes, it cannot cross within H / (1 GB/s), so a
 * wait of 300 ms + H / (1 GB/s) is enough, whatever it does meanwhile. One that grows already will
 * at that rate cross in T: then half of T, which closes in on the crossing, but no less than 50 ms,
 * which bounds the work. Over the limit there is nothing left to detect: the regular interval. */
gint64 wd_meter_next_memory_sample_us(const WdMeter *meter, const WdLimits *limits);

/* Until when (monotonic) nobody has to look at the memory who doesn't act on it: a watcher that
 * isn't ours acts at its checks, so that it is enough to see a process over its limit well within
 * an interval. One that wouldn't cross it within 2 s, if it went on growing as it does, is left
 * alone for H / (200 MB/s), at most 1 s. */
gint64 wd_meter_calm_us(const WdMeter *meter, const WdLimits *limits);

G_END_DECLS
