/* Sources of the main loop that watch a descriptor. */
#pragma once

#include <glib-unix.h>

G_BEGIN_DECLS

/* As g_unix_fd_add_full() at the default priority, but cheaper. Around each dispatch GLib takes a
 * source's descriptor out of the poll and puts it back, waking itself twice, unless the source may
 * recurse. Ours may, but never does, because no callback runs a loop of its own. @free_data: called
 * with @data when the source goes; NULL: nothing is. */
guint wd_fd_source_add(int fd, GIOCondition condition, GUnixFDSourceFunc ready, gpointer data,
                       GDestroyNotify free_data);

G_END_DECLS
