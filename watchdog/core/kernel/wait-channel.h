/* What a thread waits for in the kernel: /proc/PID/task/TID/syscall and wchan. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The longest text that is understood, in bytes. */
#define WD_WAIT_CHANNEL_MAX 64
#define WD_WAIT_SYSCALL_MAX 256

/* Whether the thread waits for another thread. Its name in the kernel differs between versions:
 * futex_wait_queue_me, futex_wait_queue, futex_do_wait, do_futex. FALSE: it doesn't, or that isn't
 * known ("0"). */
gboolean wd_wait_channel_is_futex(const char *text, gsize length);

/* @text: of the file syscall. Whether the thread waits for another thread or until a time: so
 * osqueryd's threads pause when they have nothing to do (osquery/dispatcher/dispatcher.cpp). One
 * that waits for a lock waits for that alone. FALSE, too, for what isn't understood. */
gboolean wd_wait_syscall_is_pause(const char *text, gsize length);

/* A thread that may have nothing to do: one that waits at two looks in a row, with some time
 * between them. Once isn't enough, because a thread that works waits for locks now and then. */
typedef struct {
  gint64 said_us;  /* what it was working at is known by this; 0: no look saw it wait */
  gint64 since_us; /* monotonic: the first of the looks that saw it wait */
} WdWaitLook;

/* The next look. @waits: what it saw. @said_us: as in WdWaitLook, not 0. Returns: TRUE: the thread
 * has nothing to do any more. */
gboolean wd_wait_look(WdWaitLook *look, gboolean waits, gint64 said_us, gint64 now_us);

/* When to look again, after a look at @now_us: soon, if that saw it wait; else after a quarter of
 * the time that it has worked already. So the end of any query is noticed not long after it, and
 * long ones cost little. */
gint64 wd_wait_next_look_us(const WdWaitLook *look, gint64 said_us, gint64 now_us);

G_END_DECLS
