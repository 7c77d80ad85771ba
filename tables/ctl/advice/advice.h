/* Advice: what to change so that a process isn't killed again. It follows from one end of a
 * process, or from several similar ones. */
#pragma once

#include "tables/ctl/advice/finding.h"
#include "tables/ctl/advice/limits.h"

G_BEGIN_DECLS

/* What osquery's flags should be set to; WD_NONE: nothing calls for it. */
typedef struct {
  gint64 memory_mb;
  gint64 utilization; /* % */
  gint64 latency_s;
  gint64 delay_s;
} CtlFlags;

#define CTL_FLAGS_NONE ((CtlFlags){WD_NONE, WD_NONE, WD_NONE, WD_NONE})

/* Raises each of @flags to the value that @finding calls for, so that one value suits all findings.
 * If a limit has been raised far enough since then, @finding calls for nothing. */
void ctl_flags_raise(CtlFlags *flags, const CtlFinding *finding, const CtlLimits *limits);

/* One or two sentences: which flag to set to which value, which query to fix, or where else to
 * look. Names are not escaped in it. Newly allocated; NULL when there is nothing to change.
 * @flags: raised by @finding, and by the others that are shown beside it.
 *
 * How the limits work, which the values follow from (osquery/core/watcher.cpp): one memory limit
 * in units of 1024 × 1024 bytes and one CPU limit in % of all CPUs, for the worker and for every
 * extension alike; a process is over the latter once it has been for latency_limit seconds without
 * a pause; both count from watchdog_delay seconds after the worker's start. */
char *ctl_advice(const CtlFinding *finding, const CtlLimits *limits, const CtlFlags *flags);

G_END_DECLS
