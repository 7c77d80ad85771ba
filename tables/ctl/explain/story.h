/* The story of one process's end, for people. */
#pragma once

#include "tables/ctl/explain/chain.h"
#include "tables/ctl/session.h"

G_BEGIN_DECLS

/* Prints the measured value and its limit, whether it is a leak, the busiest threads, the query,
 * the last words, the signals, the timeline, and the advice.
 * @asked: the eid that the user named; it is marked. */
gboolean ctl_story_print(const Ctl *ctl, const CtlChain *chain, gint64 asked, GError **error);

G_END_DECLS
