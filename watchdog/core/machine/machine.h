/* The machine that decides everything and does nothing: `step(state, input, now) → actions`.
 *
 * There are two kinds. A supervisor (supervise.h) starts processes and ends them. An observer
 * (observe.h) records what happens under a watcher that isn't ours. A driver feeds the machine with
 * inputs and carries out the actions that come back (drive/driver.h). A machine reads no clock and
 * no file, so the same code runs under a main loop and, for millions of steps, against a simulated
 * kernel. Times are monotonic microseconds. */
#pragma once

#include "watchdog/core/event/process-status.h"
#include "watchdog/core/machine/action.h"
#include "watchdog/core/machine/input.h"

G_BEGIN_DECLS

typedef struct WdMachine WdMachine;

void wd_machine_free(WdMachine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdMachine, wd_machine_free)

/* Advances the machine and appends the actions to carry out to @actions. The first step records
 * watchdog_started. A supervisor's first step is a TICK, and starts the worker. */
void wd_machine_step(WdMachine *machine, const WdInput *input, gint64 now_us, GArray *actions);

/* When the next TICK is due; G_MAXINT64: never. */
gint64 wd_machine_deadline(const WdMachine *machine);

/* How many processes there are: the watchdog, the worker, and every extension that was ever added
 * or found. */
guint wd_machine_count(const WdMachine *machine);

/* The pid; WD_NONE: the process doesn't run. */
gint64 wd_machine_pid(const WdMachine *machine, guint index);

/* Whether a TICK at @now_us should carry a sample of process @index. */
gboolean wd_machine_wants_sample(const WdMachine *machine, guint index, gint64 now_us);

/* The limits; borrowed. Inputs change them. */
const WdLimits *wd_machine_limits(const WdMachine *machine);

/* The present state as rows of watchdog_processes. @wall_offset_us: wall clock minus monotonic
 * clock. Returns: a GPtrArray that owns its WdProcessStatus. */
GPtrArray *wd_machine_status(const WdMachine *machine, gint64 now_us, gint64 wall_offset_us);

G_END_DECLS
