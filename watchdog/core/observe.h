/* Observes an osqueryd watcher that isn't ours: what it starts, what ends, and what it must have
 * ended for a limit.
 *
 * A machine like the supervisor's (supervisor.h): told what was seen, it returns events, and does
 * nothing itself. It signals nobody, so its events say of how they know: details.basis is `seen`,
 * or `inferred`: concluded from our own measure or from the order of things. What is neither is
 * absent. Times are monotonic microseconds. */
#pragma once

#include "watchdog/core/limits.h"
#include "watchdog/core/meter.h"
#include "watchdog/core/process-status.h"
#include "watchdog/core/recovery.h"
#include "watchdog/core/supervisor.h"

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
 * @watcher: with role WD_ROLE_WATCHDOG. The first event is watchdog_started. */
WdObserve *wd_observe_new(const WdFound *watcher, gint64 now_us);
void wd_observe_free(WdObserve *observe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdObserve, wd_observe_free)

/* The limits that the worker says it has; copied. */
void wd_observe_set_limits(WdObserve *observe, const WdLimits *limits);

/* A child of the watcher was found. */
void wd_observe_appeared(WdObserve *observe, const WdFound *found, gint64 now_us);

/* Whether @pid is the watcher or a child that has appeared and isn't gone. */
gboolean wd_observe_knows(const WdObserve *observe, gint64 pid);

/* Whether that process has appeared, gone or not: it may stay a zombie for a while. */
gboolean wd_observe_has_seen(const WdObserve *observe, gint64 pid, gint64 start_ticks);

/* Which process to look at next, and when. Returns: the time; @pid: set. */
gint64 wd_observe_next_look(const WdObserve *observe, gint64 *pid);

/* A look at @pid. @sample: NULL if nothing could be read. */
void wd_observe_looked(WdObserve *observe, gint64 pid, const WdSample *sample, gint64 now_us);

/* @pid is gone. @how: NULL: not known. The watcher's going closes the run. */
void wd_observe_gone(WdObserve *observe, gint64 pid, const WdExit *how, gint64 now_us);

/* We are asked to end: closes the run, unless the watcher's going has. */
void wd_observe_stop(WdObserve *observe);

/* The store had no room for @lost events. */
void wd_observe_lost(WdObserve *observe, guint64 lost);

/* The store's history could not be used as it was. */
void wd_observe_recovered(WdObserve *observe, const WdRecovery *recovery);

/* The next event that isn't taken yet, to be freed by the caller; NULL: none. */
WdEvent *wd_observe_take_event(WdObserve *observe);

/* The present state as rows. @wall_offset_us: wall clock minus monotonic clock. Returns: a
 * GPtrArray that owns its WdProcessStatus. */
GPtrArray *wd_observe_status(const WdObserve *observe, gint64 now_us, gint64 wall_offset_us);

/* What an osqueryd's flags mean for its watcher (osquery/core/watcher.cpp). @options: name to
 * value, as osqueryd gives them. Returns: FALSE when one that matters is missing or no number; then
 * @limits is untouched. */
gboolean wd_observe_limits(GHashTable *options, guint cpus, WdLimits *limits);

/* The line for an event of an observer: claims no more than it knows. Newly allocated. */
char *wd_observe_message(const WdEvent *event);

G_END_DECLS
