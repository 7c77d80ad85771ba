/* A timer of the main loop without a fixed interval. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In the default main context: calls @due with @data at the time that g_source_set_ready_time()
 * gives it; until that is called, never. Free with wd_timer_free(). */
GSource *wd_timer_new(GSourceFunc due, gpointer data);

/* NULL is allowed. */
void wd_timer_free(GSource *timer);

G_END_DECLS
