/* What follows from the worker's end for a supervisor's extensions.
 *
 * Every extension made with osquery's SDKs exits when its worker does, or when it finds no manager.
 * Neither is its own failure. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Whether an exit of @process now follows from the worker's end: the worker is being ended, or is
 * gone, or was replaced so recently that the extension may notice only now. */
gboolean wd_worker_gone_explains(const WdMachine *machine, const WdProcess *process);

/* The event of the worker's last end; while it is still being ended, the event that led to that. */
guint64 wd_worker_gone_cause(const WdMachine *machine);

/* The worker is gone. */
void wd_worker_gone(WdMachine *machine);

G_END_DECLS
