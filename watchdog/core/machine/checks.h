/* When each process is measured, and whether going over a limit counts then. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Whether going over a limit has consequences for @process at @now_us. */
gboolean wd_checks_watched(const WdMachine *machine, const WdProcess *process, gint64 now_us);

/* Whether a look at @now_us should carry a sample of @process. */
gboolean wd_checks_wants_sample(const WdMachine *machine, const WdProcess *process, gint64 now_us);

/* Takes in what was wanted; a regular check also publishes the state. @samples: one per process,
 * NULL where none was wanted or could be had. */
void wd_checks_look(WdMachine *machine, const WdSample *const *samples);

/* When to look next: the regular check, or at somebody's memory before it. */
gint64 wd_checks_deadline(const WdMachine *machine);

G_END_DECLS
