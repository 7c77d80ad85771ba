/* Whether the worker's extension manager accepts connections. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* Connects to @path and hangs up; never blocks.
 * Returns: TRUE if somebody accepts there and is @worker or of its process group: another osqueryd
 * at the same path is not ours to send extensions to. */
gboolean wd_manager_socket_accepts(const char *path, pid_t worker);

G_END_DECLS
