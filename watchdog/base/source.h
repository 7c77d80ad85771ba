/* Sources of the main loop: a descriptor, and a timer without a fixed interval. */
#pragma once

#include <glib-unix.h>

G_BEGIN_DECLS

/* As g_unix_fd_add_full() at the default priority, but cheaper. Around each dispatch GLib takes a
 * source's descriptor out of the poll and puts it back, waking itself twice, unless the source may
 * recurse. Ours may, but never does, because no callback runs a loop of its own. @free_data: called
 * with @data when the source goes; NULL: nothing is. */
guint wd_fd_source_add(int fd, GIOCondition condition, GUnixFDSourceFunc ready, gpointer data,
                       GDestroyNotify free_data);

/* In the default main context: calls @due with @data at the time that g_source_set_ready_time()
 * gives it; until that is called, never. Free with wd_timer_free(). */
GSource *wd_timer_new(GSourceFunc due, gpointer data);

/* NULL is allowed. */
void wd_timer_free(GSource *timer);

G_END_DECLS
