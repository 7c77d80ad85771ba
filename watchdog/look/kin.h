/* Who is whose child, as the kernel has it. */
#pragma once

#include "watchdog/core/machine/observe.h"
#include "watchdog/core/kernel/proc-stat.h"

G_BEGIN_DECLS

/* The pids of @pid's children, zombies included. Returns: an array of gint64; free with
 * g_array_unref(). */
GArray *wd_kin_children(gint64 pid);

/* What /proc/PID/stat says now. FALSE: gone, or not understood. */
gboolean wd_kin_stat(gint64 pid, WdProcStat *stat);

/* The path of the program that @pid runs, newly allocated; NULL when we may not know, or when it is
 * a script, whose interpreter it would be. @name: as in @stat. */
char *wd_kin_program(gint64 pid, const char *name);

/* When the process started, by the monotonic clock. */
gint64 wd_kin_started_us(const WdProcStat *stat);

/* Whether the process is called as osqueryd is: osquery asks for that name itself
 * (osquery/core/init.cpp). */
gboolean wd_kin_is_osqueryd(const WdProcStat *stat);

G_END_DECLS
