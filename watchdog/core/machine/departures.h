/* What follows from a process's end for a supervisor: an event, and then a new start, at once or
 * after a wait, or giving up. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* A process that ran is gone. */
void wd_departures_exited(WdMachine *machine, WdProcess *process, const WdExit *how);

/* A process could not be started. @error: the reason, in words for people. */
void wd_departures_spawn_failed(WdMachine *machine, WdProcess *process, const char *error);

/* A report on the present worker has come: proves the exits before it, or withdraws them
 * (blame.h). */
void wd_departures_reported(WdMachine *machine);

G_END_DECLS
