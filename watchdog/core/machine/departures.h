/* What a process's end means for a supervisor: an event, a wait before the next start, or giving
 * up.
 */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* A process that ran is gone. */
void wd_departures_exited(WdMachine *machine, WdProcess *process, const WdExit *how);

/* A process could not be started. @error: why, for people. */
void wd_departures_spawn_failed(WdMachine *machine, WdProcess *process, const char *error);

G_END_DECLS
