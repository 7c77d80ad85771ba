/* The observer: a machine (machine.h) that records what an osqueryd watcher does that isn't ours:
 * which processes it starts, how they end, and which it must have ended for a limit. It never asks
 * for a signal.
 *
 * Its events say how they are known. details.basis is `seen`, or `inferred`: concluded from our own
 * measurements or from the order of events. What is neither is absent. */
#pragma once

#include "watchdog/core/machine/machine.h"

G_BEGIN_DECLS

/* Until the first WD_INPUT_LIMITS nothing is judged, and no limit is shown.
 * @watcher: has the role WD_ROLE_WATCHDOG; the worker runs the same program. @report_interval_s:
 * how often WD_INPUT_REPORT comes.
 *
 * An extension that is started again is recognised by its path or, where that isn't known, by its
 * name. If its name is taken by one that has another path, or that still runs, it gets another: its
 * path, or its name with a number. One that had ended when it was found, and may have been any of
 * several, is not recorded. The watcher's end closes the run. */
WdMachine *wd_observe_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us);

/* Sets @index to the process that runs with @pid. Returns: FALSE when there is none. */
gboolean wd_observe_find(const WdMachine *observer, gint64 pid, guint *index);

G_END_DECLS
