/* Keeps the watchdog itself alive and responsive when memory is short. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Lowers our OOM score and locks our working set, page by page as it is used; each as far as we
 * may. Returns: what /proc/self/oom_score_adj was, newly allocated, for children to go back to;
 * NULL when it was not changed. */
char *wd_self_protect(void);

G_END_DECLS
