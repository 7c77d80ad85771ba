/* When a supervisor starts which process. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Asks for the processes that are due to be spawned, and for a look at the worker's manager socket.
 */
void wd_starts_advance(WdMachine *machine);

/* When the next of these is due; G_MAXINT64: never. */
gint64 wd_starts_deadline(const WdMachine *machine);

/* @process was spawned. */
void wd_starts_spawned(WdMachine *machine, WdProcess *process, gint64 pid, gint64 start_ticks);

G_END_DECLS
