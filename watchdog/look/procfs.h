/* Reads what the kernel says about the process that has a pid at that moment; handle.h makes sure
 * which process that is. It reads only files that can't block on the process's own locks (stat,
 * status, exe; never smaps, cmdline or environ). */
#pragma once

#include "watchdog/core/kernel/proc-stat.h"

G_BEGIN_DECLS

/* Returns: FALSE: gone, or not understood; the same holds for the next three. */
gboolean wd_procfs_read_stat(gint64 pid, WdProcStat *stat);

/* @tid: one of @pid's threads, in digits. */
gboolean wd_procfs_read_thread_stat(gint64 pid, const char *tid, WdProcStat *stat);

/* Whether the thread @tid of @pid pauses: waits for another thread or until a time; where only
 * wchan may be read, waits for another thread. FALSE, too, where that isn't known. */
gboolean wd_procfs_thread_waits(gint64 pid, gint64 tid);

/* The CPU time of the thread @tid of @pid, in ms, where the kernel counts more finely than in clock
 * ticks; else WD_NONE. */
gint64 wd_procfs_thread_cpu_ms(gint64 pid, gint64 tid);

/* @fd: an open stat file. */
gboolean wd_procfs_read_open_stat(int fd, WdProcStat *stat);

gboolean wd_procfs_read_memory(gint64 pid, WdProcMemory *memory);

/* The path of the file that @pid executes, for a script its interpreter's, newly allocated. NULL
 * when we may not read it. */
char *wd_procfs_executable(gint64 pid);

/* The path of the program that @pid runs, newly allocated. NULL when we may not read it, or for a
 * script, because the path would be its interpreter's. @name: as in the process's stat. */
char *wd_procfs_program(gint64 pid, const char *name);

/* When the process started, by the monotonic clock. */
gint64 wd_procfs_started_us(const WdProcStat *stat);

gint64 wd_procfs_ticks_to_ms(gint64 ticks);

/* The boot's id, newly allocated; "" when the kernel doesn't show it. */
char *wd_procfs_boot_id(void);

G_END_DECLS
