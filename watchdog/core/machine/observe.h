/* The observer: a machine (machine.h) that records what an osqueryd watcher does that isn't ours:
 * what it starts, what ends, and what it must have ended for a limit. It never asks for a signal.
 *
 * Its events say how they are known: details.basis is `seen`, or `inferred`: concluded from our own
 * measure or from the order of things. What is neither is absent. */
#pragma once

#include "watchdog/core/machine/machine.h"

G_BEGIN_DECLS

/* The present worker's flags are not known yet: nothing is judged, and no limit is shown.
 * @watcher: with role WD_ROLE_WATCHDOG; the worker runs the same program. @report_interval_s: how
 * often WD_INPUT_REPORT comes.
 *
 * An extension that is found is known again by its path and its name; of several that share a name,
 * or run at the same time, one gets another name: its path, or a number. The watcher's end closes
 * the run. */
WdMachine *wd_observe_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us);

/* Sets @index to the process that runs with this pid. Returns: FALSE when there is none. */
gboolean wd_observe_find(const WdMachine *observer, gint64 pid, guint *index);

G_END_DECLS
