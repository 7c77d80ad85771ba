/* When each process is measured, and when its limits are enforced. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Whether limits are enforced at all at @now_us: the worker's watchdog_delay is over. */
gboolean wd_checks_enforcing(const WdMachine *machine, gint64 now_us);

/* Whether limits are enforced on @process at @now_us. */
gboolean wd_checks_watched(const WdMachine *machine, const WdProcess *process, gint64 now_us);

/* Whether a look at @now_us should carry a sample of @process. */
gboolean wd_checks_wants_sample(const WdMachine *machine, const WdProcess *process, gint64 now_us);

/* Judges the samples that were wanted. A regular check also publishes the state. @samples: one per
 * process; NULL where none was wanted, or the process could not be read. */
void wd_checks_look(WdMachine *machine, const WdSample *const *samples);

/* @process, whose page faults were counted, has taken memory. */
void wd_checks_faulted(WdMachine *machine, WdProcess *process);

/* When to look next: at the regular check, or before it at the memory of one process. */
gint64 wd_checks_deadline(const WdMachine *machine);

G_END_DECLS
