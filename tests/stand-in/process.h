/* What both stand-ins do as processes. */
#pragma once

#include <glib.h>

#include "tests/stand-in/misbehave.h"

G_BEGIN_DECLS

/* Blocks SIGTERM, SIGINT and SIGUSR1 for this and all later threads, so that they arrive only
 * where stand_next_signal() waits for them; and ignores SIGPIPE. */
void stand_block_signals(void);

/* Waits for one of them until @deadline_us (g_get_monotonic_time()).
 * Returns: its number; 0 at the deadline. While @misbehaviour says so they are not noticed. */
int stand_next_signal(const StandMisbehaviour *misbehaviour, gint64 deadline_us);

G_END_DECLS
