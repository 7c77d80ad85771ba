/* Reads what the kernel says about a process. Only files that can't block on the process's own
 * locks are read (stat, status; never smaps, cmdline or environ). */
#pragma once

#include "watchdog/core/machine/meter.h"
#include "watchdog/core/kernel/proc-stat.h"

G_BEGIN_DECLS

/* Bound to one process by its open file: once that process is gone, reading fails, even when its
 * pid has gone to another. */
typedef struct {
  gint64 pid;
  int stat_fd;
} WdProcReader;

#define WD_PROC_READER_NONE ((WdProcReader){.pid = -1, .stat_fd = -1})

/* FALSE with @error when there is no such process, or no /proc. */
gboolean wd_proc_reader_open(WdProcReader *reader, gint64 pid, GError **error);
void wd_proc_reader_close(WdProcReader *reader);

/* @with_private: read private_bytes too, which costs a second file.
 * Returns: FALSE when the process is gone or what is read can't be understood; @sample is
 * untouched. */
gboolean wd_proc_reader_sample(const WdProcReader *reader, gboolean with_private, WdSample *sample);

/* The process's start, in clock ticks since boot; with the pid, its identity. -1: it is gone. */
gint64 wd_proc_reader_start_ticks(const WdProcReader *reader);

/* FALSE: it is gone, or a zombie. */
gboolean wd_proc_reader_lives(const WdProcReader *reader);

/* One reading of a stat file, a process's or a thread's. FALSE: gone, or not understood. */
gboolean wd_procfs_read_stat(const char *path, WdProcStat *stat);

/* One reading of @pid's memory. FALSE: gone, or not understood. */
gboolean wd_procfs_read_memory(gint64 pid, WdProcMemory *memory);

gint64 wd_procfs_ticks_to_ms(gint64 ticks);

/* The boot's id, newly allocated; "" when the kernel doesn't tell. */
char *wd_procfs_boot_id(void);

G_END_DECLS
