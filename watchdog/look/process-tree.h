/* The children of processes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The pids of @pid's children, zombies included. Returns: an array of gint64; free with
 * g_array_unref(). */
GArray *wd_process_tree_children(gint64 pid);

G_END_DECLS
