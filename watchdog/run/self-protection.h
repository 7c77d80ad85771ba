/* Keeps the watchdog itself alive and responsive when memory is short. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Lowers our OOM score, and locks each page of our memory as it is first used; both as far as we
 * are allowed. Returns: what children should set their /proc/self/oom_score_adj to, newly
 * allocated: our score before, but at least 0; NULL if that is our score now. */
char *wd_self_protect(void);

/* Sets our own /proc/self/oom_score_adj. Async-signal-safe. Returns: whether it was allowed. */
gboolean wd_oom_score_set(const char *score);

G_END_DECLS
