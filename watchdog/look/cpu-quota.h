/* The CPU quota of the control group of this process and its children. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The smallest quota of our group and its ancestors, in % of one CPU; -1: none. */
gint64 wd_cpu_quota(void);

G_END_DECLS
