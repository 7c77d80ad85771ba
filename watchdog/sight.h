/* A process that we observe but didn't start: what is held of it while it lives. */
#pragma once

#include "watchdog/core/meter.h"

G_BEGIN_DECLS

typedef struct WdSight WdSight;

/* Called from the default main context, once: @pid is gone, reaped or not. May free the sight. */
typedef void (*WdSightGone)(gint64 pid, gpointer user_data);

/* @start_ticks: with @pid, who it is. Returns: NULL when that process is gone. Where the kernel has
 * no pidfds, nobody is told of its going: wd_sight_sample() has to be asked. */
WdSight *wd_sight_new(gint64 pid, gint64 start_ticks, WdSightGone gone, gpointer user_data);
void wd_sight_free(WdSight *sight);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSight, wd_sight_free)

/* Whether its end is told. */
gboolean wd_sight_has_pidfd(const WdSight *sight);

/* FALSE: gone; where its end isn't told, a zombie is gone, too. */
gboolean wd_sight_sample(const WdSight *sight, WdSample *sample);

/* FALSE: gone, or a zombie. */
gboolean wd_sight_lives(const WdSight *sight);

/* Remembers what its threads have used so far, for wd_sight_details(). */
void wd_sight_remember_threads(WdSight *sight);

/* What it is doing (core/details.h), newly allocated; NULL: it is gone. Takes at most about 10 ms.
 */
char *wd_sight_details(const WdSight *sight);

G_END_DECLS
