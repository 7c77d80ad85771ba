/* Whether a watcher waits after a quick exit before it starts its worker again
 * (osquery/core/watcher.cpp, createWorker). We can't see that, but conclude it from when the worker
 * comes back, or stays away. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* The worker is gone. */
void wd_observe_worker_goes(WdMachine *machine);

/* The worker was started again at @started_us: concludes whether the watcher waited. */
void wd_observe_worker_returns(WdMachine *machine, gint64 started_us);

/* The worker isn't back yet: if that is late enough, concludes that the watcher waits. */
void wd_observe_worker_stays_away(WdMachine *machine);

/* When wd_observe_worker_stays_away() concludes something; G_MAXINT64: never. */
gint64 wd_observe_pause_known_us(const WdMachine *machine);

G_END_DECLS
