/* The CPU time of the calling thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* That it has used so far, in microseconds. */
gint64 wd_cpu_time_us(void);

G_END_DECLS
