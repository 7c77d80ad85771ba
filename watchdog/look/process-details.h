/* Looks at what the process that has a pid at that moment is doing: its threads, descriptors and
 * memory. For handle.c, which makes sure which one that is. From files that can't block on the
 * process, and within a bounded time of ours however many threads it has. */
#pragma once

#include "watchdog/core/kernel/details.h"

G_BEGIN_DECLS

WdThreads *wd_process_threads_read(gint64 pid);

/* The whole of it as JSON (core/kernel/details.h). @before: threads read earlier, or NULL. Takes at
 * most about 10 ms of CPU time. */
char *wd_process_details_read(gint64 pid, const WdThreads *before);

G_END_DECLS
