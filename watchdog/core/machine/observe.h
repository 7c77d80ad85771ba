/* Observes an osqueryd watcher that isn't ours: what it starts, what ends, and what it must have
 * ended for a limit.
 *
 * A machine like the supervisor's (supervisor.h), of the same parts: told what was seen, it returns
 * actions, and does nothing itself; it never asks for a signal. Its events say of how they know:
 * details.basis is `seen`, or `inferred`: concluded from our own measure or from the order of
 * things. What is neither is absent. Times are monotonic microseconds. */
#pragma once

#include "watchdog/core/machine/supervisor.h"

G_BEGIN_DECLS

typedef struct WdObserve WdObserve;

/* A process, as it was found. */
typedef struct {
  WdRole role;
  const char *name;
  const char *path; /* NULL: not known */
  gint64 pid;
  gint64 start_ticks;
  gint64 started_us;
} WdFound;

/* The present worker's flags are not known yet: nothing is judged, and no limit is shown.
 * @watcher: with role WD_ROLE_WATCHDOG; the worker runs the same program. @report_interval_s: how
 * often wd_observe_reported() is told a report. The first event is watchdog_started. */
WdObserve *wd_observe_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us);
void wd_observe_free(WdObserve *observe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdObserve, wd_observe_free)

/* The limits that the worker says it has; copied. */
void wd_observe_set_limits(WdObserve *observe, const WdLimits *limits);

/* A child of the watcher was found, that wd_observe_pid() doesn't tell of. An extension is known
 * again by its path and its name; of several that share a name, or run at the same time, one gets
 * another name: its path, or a number. */
void wd_observe_appeared(WdObserve *observe, const WdFound *found, gint64 now_us);

/* The watcher, the worker, and every extension that has ever been found, by index. */
guint wd_observe_count(const WdObserve *observe);

/* WD_NONE: it doesn't run. */
gint64 wd_observe_pid(const WdObserve *observe, guint index);

/* When wd_observe_tick() is due; G_MAXINT64: never. */
gint64 wd_observe_deadline(const WdObserve *observe);

/* Whether a tick at @now_us should carry a sample of process @index. */
gboolean wd_observe_wants_sample(const WdObserve *observe, guint index, gint64 now_us);

/* Time has passed. @samples: one per process, NULL where none was wanted or could be had. */
void wd_observe_tick(WdObserve *observe, const WdSample *const *samples, gint64 now_us);

/* What only an extension can see of the worker and of who is registered with it. */
void wd_observe_reported(WdObserve *observe, const WdReport *report, gint64 now_us);

/* @pid is gone. @how: NULL: not known. The watcher's going closes the run. */
void wd_observe_gone(WdObserve *observe, gint64 pid, const WdExit *how, gint64 now_us);

/* We are asked to end: closes the run, unless the watcher's going has. */
void wd_observe_stop(WdObserve *observe, gint64 now_us);

/* The store had no room for @lost events. */
void wd_observe_lost(WdObserve *observe, guint64 lost, gint64 now_us);

/* The store's history could not be used as it was. */
void wd_observe_recovered(WdObserve *observe, const WdRecovery *recovery, gint64 now_us);

/* What is to be done since it was asked last: WdActions, of which there are RECORD (with details:
 * joined to those that the event has), REMEMBER_THREADS and PUBLISH (wd_observe_status(); also due
 * after a RECORD). Free with g_array_unref(). */
GArray *wd_observe_take_actions(WdObserve *observe);

/* The present state as rows. @wall_offset_us: wall clock minus monotonic clock. Returns: a
 * GPtrArray that owns its WdProcessStatus. */
GPtrArray *wd_observe_status(const WdObserve *observe, gint64 now_us, gint64 wall_offset_us);

/* What an osqueryd's flags mean for its watcher (osquery/core/watcher.cpp). @options: name to
 * value, as osqueryd gives them. Returns: FALSE when one that matters is missing or no number; then
 * @limits is untouched. */
gboolean wd_observe_limits(GHashTable *options, guint cpus, WdLimits *limits);

/* The line for an event of an observer: claims no more than it knows. @supervised: what a
 * supervisor says of it, which will do for most. Newly allocated. */
char *wd_observe_message(const WdEvent *event, const char *supervised);

G_END_DECLS
