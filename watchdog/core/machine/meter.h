/* Measures one process against its limits, as osquery/core/watcher.cpp `getChange` does, with three
 * differences: CPU is judged against the time that really passed; memory is measured anew for each
 * process; and memory is looked at between the regular checks, too. One WdMeter a process. */
#pragma once

#include "watchdog/core/event/event.h"
#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

/* What /proc says of a process at one moment. */
typedef struct {
  gint64 user_ms; /* CPU time since the process's start */
  gint64 system_ms;
  gint64 resident_bytes;
  gint64 private_bytes; /* RssAnon + VmSwap, or WD_NONE: not known */
  gint64 threads;
  gint64 ppid;
} WdSample;

typedef struct {
  /* WD_REASON_MEMORY or WD_REASON_CPU; WD_REASON_NONE: within the limits. A verdict of presence.c
   * has WD_REASON_UNRESPONSIVE. */
  WdReason reason;
  gint64 measured; /* in @unit, as is the limit; WD_NONE: within */
  gint64 limit;
  WdUnit unit;
  /* CPU only */
  double utilization;
  gint64 utilization_limit;
  gint64 sustained_s;
} WdVerdict;

/* Only the results are for others to read. */
typedef struct {
  /* results; WD_NONE or NAN: not known yet */
  double utilization;          /* % of all CPUs between the last two regular samples */
  gint64 cpu_used_ms;          /* between them */
  gint64 cpu_allowed_ms;       /* likewise */
  gint64 sustained_s;          /* how long over the utilization limit */
  gint64 footprint_bytes;      /* what the memory limit is applied to */
  gint64 peak_footprint_bytes; /* the greatest so far */
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
 * @sample: NULL if nothing could be read; then the results stay as they are.
 * @regular: this is the regular check, at which CPU is judged. Less than WD_CHECK_INTERVAL_S after
 * the start only memory is judged.
 *
 * CPU (regular samples): a strike is a use since the last regular sample of more than
 * utilization_limit % of all CPUs. The time that counts is what really passed, missed checks
 * included. Strikes in a row count WD_CHECK_INTERVAL_S each, however late they are; the process is
 * over its limit when they add up to latency_limit_s.
 *
 * Memory (every sample): the footprint is the resident size, the private size, or, by the metric
 * `growth`, the resident size less the baseline. The baseline is the resident size at the first
 * regular sample; until then, at the first sample WD_BASELINE_SETTLE_US after the start. The
 * process is over its limit when the footprint is greater.
 *
 * Returns: the verdict on CPU when the process is over both limits, as osquery does. */
WdVerdict wd_meter_sample(WdMeter *meter, const WdLimits *limits, const WdSample *sample,
                          gint64 now_us, gboolean regular);

#define WD_BASELINE_SETTLE_US (250 * 1000)

/* The process is over its limit: the baseline that it was measured against is final. */
void wd_meter_keep_baseline(WdMeter *meter);

/* Whether a process that is being ended for memory gets no more time, because it has grown since it
 * was seen over the limit, and has passed limits->grace_limit_percent of the limit, or the limit
 * plus WD_GRACE_BYTES if that is less. A process that stops growing keeps its time.
 * @exceeded_bytes: the footprint that was over the limit. @footprint_bytes: the present one. */
gboolean wd_meter_outgrows(const WdLimits *limits, gint64 exceeded_bytes, gint64 footprint_bytes);

#define WD_GRACE_BYTES (256 * 1024 * 1024)

/* When to look at the memory again (monotonic), never later than WD_CHECK_INTERVAL_S after the last
 * sample.
 *
 * The aim: a process that suddenly grows, at up to 1 GB/s, is seen at most 300 ms after it crosses
 * the limit. A process H bytes below the limit can't cross it within H / (1 GB/s), so a wait of
 * 300 ms + H / (1 GB/s) is enough, whatever the process does meanwhile. A process that grows
 * already crosses in a time T at its present rate. Then the wait is half of T, which closes in on
 * the crossing, but at least 50 ms, which bounds the work. Over the limit there is nothing left to
 * detect, so the wait is the regular interval. */
gint64 wd_meter_next_memory_sample_us(const WdMeter *meter, const WdLimits *limits);

/* The kernel says that a process takes memory: until when (monotonic) that can't matter yet. A
 * process that was H bytes below the limit at the last sample needs at least H / (1 GB/s) to cross
 * it. The wait is at least 20 ms, which bounds the work, and never longer than
 * WD_CHECK_INTERVAL_S. */
gint64 wd_meter_safe_until_us(const WdMeter *meter, const WdLimits *limits);

/* Until when (monotonic) an observer needs no look at the memory. A watcher that isn't ours acts at
 * its checks, so it is enough to see a process over its limit well within an interval. A process
 * that wouldn't cross its limit within 2 s at its present rate is left alone for H / (200 MB/s), at
 * most 1 s. */
gint64 wd_meter_calm_us(const WdMeter *meter, const WdLimits *limits);

G_END_DECLS
