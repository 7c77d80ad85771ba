/* What to change so that a process isn't ended again: from what one ending showed, or several like
 * ones. Pure. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* What one event of a process's end showed (limit_exceeded, process_terminated, process_exited,
 * would_terminate, …), with what other rows know of it. Absent values as in WdEvent. */
typedef struct {
  WdEventKind event;
  WdRole role;
  const char *name; /* the process's, never NULL */
  WdReason reason;
  gint64 measured; /* in bytes for memory; of several: the greatest, as in the next three */
  double utilization;
  gint64 sustained_s;
  gint64 lifetime_ms;
  gint64 limit_value;
  gint64 utilization_limit;
  gint64 exit_code;
  gint64 exit_signal;
  gint64 private_bytes;   /* anonymous_bytes + swap_bytes in the details of its limit_exceeded */
  gboolean observed;      /* those details have a `basis`: osquery's own watcher was at work */
  const char *query_name; /* of a query_denylisted whose cause_eid names it, or NULL */
} CtlFinding;

/* Everything absent. */
void ctl_finding_init(CtlFinding *finding, WdEventKind event, WdRole role, const char *name);

/* Takes in one more of the same process, event and reason, newer than those before; the limits and
 * the exit are then its. The texts stay its owner's. */
void ctl_finding_add(CtlFinding *finding, const CtlFinding *newer);

/* The limits in effect, the same for all processes; WD_NONE: not known. */
typedef struct {
  gint64 memory_bytes;
  gint64 utilization; /* % */
  gint64 latency_s;
} CtlLimits;

/* What osquery's flags should be set to; WD_NONE: nothing calls for it. */
typedef struct {
  gint64 memory_mb;
  gint64 utilization; /* % */
  gint64 latency_s;
  gint64 delay_s;
} CtlFlags;

#define CTL_FLAGS_NONE ((CtlFlags){WD_NONE, WD_NONE, WD_NONE, WD_NONE})

/* Raises each of @flags to what @finding calls for, so that one value suits all findings; a limit
 * that is in effect by now needs none. */
void ctl_flags_raise(CtlFlags *flags, const CtlFinding *finding, const CtlLimits *limits);

/* One or two sentences: which flag to set to which value, which query to mend, or where else to
 * look. The names appear in it as they are. Newly allocated; NULL when there is nothing to change.
 * @flags: raised by @finding, and by the others that are told beside it.
 *
 * How the limits work, which the values follow from (osquery/core/watcher.cpp): one memory limit
 * in units of 1024 × 1024 bytes and one CPU limit in % of all CPUs, for the worker and for every
 * extension alike; a process is over the latter once it has been for latency_limit seconds without
 * a pause; both count from watchdog_delay seconds after the worker's start. */
char *ctl_advice(const CtlFinding *finding, const CtlLimits *limits, const CtlFlags *flags);

G_END_DECLS
