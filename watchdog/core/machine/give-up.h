/* What follows when a process reaches its respawn limit.
 *
 * For a worker, everything ends. For an extension too, as documented, but osquery's own watcher
 * would go on, so that happens once: not before the history has stored it, and not again for the
 * same file within a day (core/event/given-up.h). Otherwise the extension is given up alone, and
 * tried again now and then. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* @process, which waits, has reached its limit with an end for @reason, which is the
 * event @cause_seq: records that. */
void wd_give_up(WdMachine *machine, WdProcess *process, WdReason reason, guint64 cause_seq);

/* What the history remembers, of WdGivenUp; copied. */
void wd_give_up_remember(WdMachine *machine, const GPtrArray *given_up);

/* Everything up to @seq is stored. */
void wd_give_up_stored(WdMachine *machine, guint64 seq);

/* Time has passed. */
void wd_give_up_advance(WdMachine *machine);

/* When it must be called next; G_MAXINT64: never. */
gint64 wd_give_up_deadline(const WdMachine *machine);

G_END_DECLS
