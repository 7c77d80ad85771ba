/* How processes end that aren't our children, from the kernel's process events. Before Linux 6.6
 * only root may read them. In a container they aren't available. */
#pragma once

#include "watchdog/core/event/exit.h"

G_BEGIN_DECLS

/* Opens a socket that receives the ends of @parent and of its children. The kernel drops everything
 * else before it wakes us. -1 with @error: not permitted, or not available in this kernel or
 * container. */
int wd_proc_events_open(gint64 parent, GError **error);

/* Unsubscribes, too. Before Linux 6.6 the kernel would otherwise go on preparing events that
 * no process reads. */
void wd_proc_events_close(int fd);

/* The next end that was received; never blocks. Returns: FALSE when there is none. */
gboolean wd_proc_events_next(int fd, gint64 *pid, WdExit *how);

G_END_DECLS
