/* One process, held so that nobody else can be taken for it.
 *
 * The kernel gives a pid away again once its process is reaped, so a number alone means nobody.
 * Three things do mean one process:
 *   - An open /proc/PID/stat. It belongs to the process that had the pid when it was opened:
 *     reading it fails once that process is reaped, even if another has the pid by then.
 *   - The pid with the process's start in clock ticks. No two processes of a boot share both,
 *     because the kernel would have to go through all pids within a tick (10 ms).
 *   - A pidfd, where the kernel has them (Linux 5.3). It belongs to the process, too.
 * A handle opens the stat file, then the pidfd, and then reads the start from the stat file. That
 * this succeeds proves that the process hadn't been reaped yet, so its pid, and with it the pidfd,
 * was still its own. A file that is opened by the pid later, such as its status, is believed only
 * if the process still lives after it was read.
 *
 * Two numbers are safe without a handle: the pid of a child of ours, because only we can reap it,
 * and that of the process group that it leads, which isn't given away while its leader is there. */
#pragma once

#include "watchdog/core/machine/meter.h"

G_BEGIN_DECLS

typedef struct WdHandle WdHandle;

/* Our own process, or a child of ours that isn't reaped: it keeps its pid as long as we like, and
 * so gets no pidfd. Returns: NULL with @error: it is gone, or there is no /proc. */
WdHandle *wd_handle_open(gint64 pid, GError **error);

/* The process that has @pid and started at @start_ticks. Returns: NULL: it is gone. */
WdHandle *wd_handle_open_known(gint64 pid, gint64 start_ticks);

/* NULL is allowed. */
void wd_handle_free(WdHandle *handle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdHandle, wd_handle_free)

gint64 wd_handle_pid(const WdHandle *handle);

/* The process's start, in clock ticks since boot. */
gint64 wd_handle_start_ticks(const WdHandle *handle);

/* Readable once the process has ended, reaped or not; the handle's. -1: there is none, and
 * wd_handle_lives() has to be asked. */
int wd_handle_pidfd(const WdHandle *handle);

/* FALSE: gone, or a zombie. */
gboolean wd_handle_lives(const WdHandle *handle);

/* @with_private: read private_bytes too, which costs a second file.
 * Returns: FALSE: gone; without a pidfd a zombie is gone, too. @sample is untouched then. */
gboolean wd_handle_sample(const WdHandle *handle, gboolean with_private, WdSample *sample);

/* Remembers what its threads have used so far, for wd_handle_details(). */
void wd_handle_remember_threads(WdHandle *handle);

/* What it is doing (core/kernel/details.h), newly allocated; NULL: gone, or a zombie. Takes at most
 * about 10 ms of CPU time. */
char *wd_handle_details(const WdHandle *handle);

G_END_DECLS
