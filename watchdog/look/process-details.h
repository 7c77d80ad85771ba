/* Looks at what a process is doing: its threads, descriptors and memory. From files that can't
 * block on the process, and within a bounded time of ours however many threads it has. */
#pragma once

#include "watchdog/core/kernel/details.h"

G_BEGIN_DECLS

/* The threads of @pid, which is our unreaped child, or is looked at again afterwards. */
WdThreads *wd_process_threads_read(gint64 pid);

/* The whole of it as JSON (core/details.h). @before: threads read earlier, or NULL. Takes at most
 * about 10 ms of CPU time. */
char *wd_process_details_read(gint64 pid, const WdThreads *before);

G_END_DECLS
