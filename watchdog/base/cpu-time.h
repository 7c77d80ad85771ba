/* The calling thread's CPU time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How much it has used so far, in microseconds. */
gint64 wd_cpu_time_us(void);

G_END_DECLS
