/* What observed workers say in their own log about the queries that they execute
 * (core/output/said.h). It is read in a thread, because a file system may hang. */
#pragma once

#include "watchdog/core/output/said.h"

G_BEGIN_DECLS

typedef struct ExtStatusLog ExtStatusLog;

ExtStatusLog *ext_status_log_new(void);

/* Waits a moment for the thread. If it hangs, what it uses stays. NULL is allowed. */
void ext_status_log_free(ExtStatusLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtStatusLog, ext_status_log_free)

/* Where workers write their logs from now on. NULL: nowhere. */
void ext_status_log_set_directory(ExtStatusLog *log, const char *directory);

/* Reads what the worker @pid has written since the last look, and looks whether the threads that
 * have said something wait for work now. Waits at most 250 ms for the file system, and not at all
 * while an earlier look hangs.
 * @started_us: when the worker started, monotonic. */
void ext_status_log_look(ExtStatusLog *log, gint64 pid, gint64 started_us);

/* When to look at that worker again, monotonic. G_MAXINT64: it writes nowhere. */
gint64 ext_status_log_next_look_us(const ExtStatusLog *log);

/* What @pid had said by the last look, newly allocated. NULL: nothing is heard of it, or the file
 * system didn't answer that look in time. Of workers that are gone, the last few are remembered. */
WdSaid *ext_status_log_said(ExtStatusLog *log, gint64 pid);

G_END_DECLS
