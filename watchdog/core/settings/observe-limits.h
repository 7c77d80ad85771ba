/* What an osqueryd's flags mean for its own watcher (osquery/core/watcher.cpp). */
#pragma once

#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

/* @options: name to value, as osqueryd gives them. Returns: FALSE when one that matters is missing
 * or no number; then @limits is untouched. */
gboolean wd_observe_limits(GHashTable *options, guint cpus, WdLimits *limits);

G_END_DECLS
