/* Keeps the watchdog itself alive and responsive when memory is short. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Lowers our OOM score and locks our working set, page by page as it is used; each as far as we
 * may. Returns: what children set their /proc/self/oom_score_adj to, newly allocated: what ours
 * was, or 0 if that was lower; NULL when it is what ours is now. */
char *wd_self_protect(void);

/* Sets our own /proc/self/oom_score_adj. Async-signal-safe. Returns: whether it was allowed. */
gboolean wd_oom_score_set(const char *score);

G_END_DECLS
