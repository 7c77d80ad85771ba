/* A thread that is waited for with a deadline, because it may hang in the kernel, on a disk or a
 * socket that doesn't answer. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WdThread WdThread;

typedef void (*WdThreadFunction)(gpointer data);

/* Starts it with all signals blocked from its first moment, because they are the main thread's, and
 * because writing past the allowed file size must fail, not end the process. NULL with @error. */
WdThread *wd_thread_start(const char *name, WdThreadFunction function, gpointer data,
                          GError **error);

/* Waits for its end until @deadline_us of the monotonic clock, and frees it. Returns: FALSE if it
 * still runs: then it keeps what it uses, and the process ends without it. */
gboolean wd_thread_join(WdThread *thread, gint64 deadline_us);

G_END_DECLS
