/* What the parts of the observer share; nothing else includes this.
 *   observe.c       what is found, looked at and shown
 *   observe-ends.c  what an end means: terminations, the watcher's back-off, its giving up */
#pragma once

#include "watchdog/core/machine/checks.h"
#include "watchdog/core/machine/observe.h"
#include "watchdog/core/machine/reports.h"

G_BEGIN_DECLS

/* How near to the next check a look may be worth less than it costs. */
#define WD_OBSERVE_LOOK_US (1 * G_TIME_SPAN_SECOND)

struct WdObserve {
  WdLimits limits;
  gboolean limits_known;
  gint64 began_us;
  gboolean closed;   /* the run */
  GArray *processes; /* of WdProcess: the watcher, the worker, then extensions; never removed */
  WdChecks checks;
  WdReports reports;
  GArray *actions;
  guint64 last_seq;

  gint64 worker_gone_us; /* WD_NONE: never */
  WdReason worker_gone_reason;
  gboolean pause_open; /* whether the watcher waits because that end came quickly isn't known yet */
};

static inline WdProcess *
wd_observe_process(const WdObserve *observe, guint index)
{
  return &g_array_index(observe->processes, WdProcess, index);
}

/* The process went over a limit, which the watcher enforces, or still is: records it once an
 * episode, and expects the watcher to act. */
void wd_observe_exceeded(WdObserve *observe, WdStep *step, WdProcess *process,
                         const WdBreach *breach);

void wd_observe_child_gone(WdObserve *observe, WdStep *step, WdProcess *process, const WdExit *how);
void wd_observe_watcher_gone(WdObserve *observe, WdStep *step, const WdExit *how);

/* Ends the run, for a reason of ours. */
void wd_observe_close(WdObserve *observe, WdStep *step, WdReason reason);

/* The worker was started again at @started_us, or, by the tick, isn't yet: did the watcher hold it
 * back? */
void wd_observe_worker_returns(WdObserve *observe, WdStep *step, gint64 started_us);
void wd_observe_worker_stays_away(WdObserve *observe, WdStep *step);

/* When wd_observe_worker_stays_away() tells something; G_MAXINT64: never. */
gint64 wd_observe_pause_known_us(const WdObserve *observe);

G_END_DECLS
