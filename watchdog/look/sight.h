/* A process that we observe but didn't start: what is held of it while it lives. */
#pragma once

#include "watchdog/core/machine/meter.h"

G_BEGIN_DECLS

typedef struct WdSight WdSight;

/* @start_ticks: with @pid, who it is. Returns: NULL when that process is gone. */
WdSight *wd_sight_new(gint64 pid, gint64 start_ticks);
void wd_sight_free(WdSight *sight);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSight, wd_sight_free)

/* Readable once the process is gone, reaped or not; the sight's. -1: the kernel has no pidfds, and
 * wd_sight_lives() has to be asked. */
int wd_sight_pidfd(const WdSight *sight);

/* FALSE: gone; without a pidfd a zombie is gone, too. */
gboolean wd_sight_sample(const WdSight *sight, WdSample *sample);

/* FALSE: gone, or a zombie. */
gboolean wd_sight_lives(const WdSight *sight);

/* Remembers what its threads have used so far, for wd_sight_details(). */
void wd_sight_remember_threads(WdSight *sight);

/* What it is doing (core/details.h), newly allocated; NULL: it is gone. Takes at most about 10 ms.
 */
char *wd_sight_details(const WdSight *sight);

G_END_DECLS
