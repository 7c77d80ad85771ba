/* How processes end that are no children of ours: from the kernel's process events, which only root
 * may hear, since Linux 6.6 anybody, and nobody in a container. */
#pragma once

#include "watchdog/core/event/exit.h"

G_BEGIN_DECLS

/* A socket that hears of the end of @parent and of its children, and of nothing else: the kernel
 * sorts out the rest before it wakes us. -1 with @error: not permitted, or not in this kernel or
 * container. */
int wd_proc_events_open(gint64 parent, GError **error);

/* Has the kernel stop telling, too: before Linux 6.6 a socket that is only closed would have it go
 * on preparing events for nobody. */
void wd_proc_events_close(int fd);

/* The next end that was heard of; never blocks. Returns: FALSE when there is none. */
gboolean wd_proc_events_next(int fd, gint64 *pid, WdExit *how);

G_END_DECLS
