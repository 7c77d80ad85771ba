/* Whether the worker's extension manager accepts connections. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* Connects to @path and disconnects; never blocks.
 * Returns: TRUE if @worker, or a process of its group, accepts there. Our extensions must not
 * register with another osqueryd at the same path. */
gboolean wd_manager_socket_accepts(const char *path, pid_t worker);

G_END_DECLS
