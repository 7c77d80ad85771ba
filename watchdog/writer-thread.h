/* A thread that writes files. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Starts it with all signals blocked, from its first moment on: a file over the size that is
 * allowed must fail, not end the process. NULL with @error. */
GThread *wd_writer_thread_start(const char *name, GThreadFunc function, gpointer data,
                                GError **error);

G_END_DECLS
