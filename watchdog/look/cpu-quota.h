/* The CPU quota of the control group that we and our children live in. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The least quota of our group and of those above it, as % of one CPU; -1: none. */
gint64 wd_cpu_quota(void);

G_END_DECLS
