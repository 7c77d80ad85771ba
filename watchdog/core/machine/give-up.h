/* What follows when a process reaches its respawn limit.
 *
 * A worker that reaches it ends everything. So does an extension, as osquery documents, although
 * osquery's own watcher would go on. Therefore an extension does so only once: after the history
 * has stored it, and not again for the same file within a day (core/event/given-up.h). Otherwise
 * the extension alone is given up, and tried again now and then. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Records that @process, which waits, has reached its limit. Its last end had @reason, and is the
 * event @cause_seq. */
void wd_give_up(WdMachine *machine, WdProcess *process, WdReason reason, guint64 cause_seq);

/* @given_up: what the history remembers, of WdGivenUp; copied. */
void wd_give_up_remember(WdMachine *machine, const GPtrArray *given_up);

/* If @extension is about to end everything, it doesn't: its last exit wasn't its own doing, or it
 * is no longer wanted. */
void wd_give_up_take_back(WdMachine *machine, const WdProcess *extension);

/* Everything up to @seq is stored. */
void wd_give_up_stored(WdMachine *machine, guint64 seq);

/* Time has passed. */
void wd_give_up_advance(WdMachine *machine);

/* When wd_give_up_advance() has something to do; G_MAXINT64: never. */
gint64 wd_give_up_deadline(const WdMachine *machine);

G_END_DECLS
