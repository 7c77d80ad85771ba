/* One process, held so that no other can be mistaken for it.
 *
 * The kernel reuses a pid once its process is reaped, so the number alone identifies no process.
 * Three things do identify one:
 *   - An open /proc/PID/stat. It belongs to the process that had the pid when it was opened:
 *     reading it fails once that process is reaped, even if another has the pid by then.
 *   - The pid with the process's start in clock ticks. No two processes of a boot share both,
 *     because the kernel would have to go through all pids within a tick (10 ms).
 *   - A pidfd, where the kernel has them (Linux 5.3). It belongs to the process, too.
 * A handle opens the stat file, then the pidfd, and then reads the start from the stat file. If
 * that succeeds, the process wasn't reaped yet, so its pid, and with it the pidfd, was still its
 * own. A file that is opened by the pid later, such as its status, counts only if the process still
 * lives after it was read.
 *
 * Two numbers are safe without a handle. One is the pid of our own child, because only we can reap
 * it. The other is the process group that it leads, which isn't reused while its leader exists. */
#pragma once

#include "watchdog/core/kernel/details.h"
#include "watchdog/core/machine/meter.h"

G_BEGIN_DECLS

typedef struct WdHandle WdHandle;

/* Opens our own process, or our child that isn't reaped. Its pid stays its own until we reap it, so
 * the handle gets no pidfd. Returns: NULL with @error: it is gone, or there is no /proc. */
WdHandle *wd_handle_open(gint64 pid, GError **error);

/* Opens the process that has @pid and started at @start_ticks. Returns: NULL: it is gone. */
WdHandle *wd_handle_open_known(gint64 pid, gint64 start_ticks);

/* NULL is allowed. */
void wd_handle_free(WdHandle *handle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdHandle, wd_handle_free)

gint64 wd_handle_pid(const WdHandle *handle);

/* The process's start, in clock ticks since boot. */
gint64 wd_handle_start_ticks(const WdHandle *handle);

/* Readable once the process has ended, reaped or not. It belongs to the handle. -1: there is none;
 * call wd_handle_lives() instead. */
int wd_handle_pidfd(const WdHandle *handle);

/* FALSE: gone, or a zombie. */
gboolean wd_handle_lives(const WdHandle *handle);

/* @with_private: read private_bytes too, which costs a second file.
 * Returns: FALSE with @sample untouched: the process is gone. Without a pidfd a zombie counts as
 * gone, too. */
gboolean wd_handle_sample(const WdHandle *handle, gboolean with_private, WdSample *sample);

/* Remembers the CPU time of its threads so far, for wd_handle_details(). */
void wd_handle_remember_threads(WdHandle *handle);

/* What it is doing, as JSON (core/kernel/details.h), newly allocated; NULL: gone, or a zombie. Uses
 * at most about 10 ms of CPU time, and reads no file that can block on the process. @busiest: set.
 */
char *wd_handle_details(const WdHandle *handle, WdBusiest *busiest);

G_END_DECLS
