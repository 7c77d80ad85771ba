/* osqueryd's flags and their defaults, however they arrive: on its command line and in its
 * flagfiles, or in a worker's answer. */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* The flagfile that osqueryd applies if it is given none and can read this one
 * (osquery/core/init.cpp). */
#define WD_OSQUERYD_DEFAULT_FLAGFILE "/etc/osquery/osquery.flags.default"

/* Fills in osqueryd's part of @settings, whose osqueryd_argv must have a program in it. Returns:
 * all flags that we know, each with its source; or NULL with @error in WD_SETTINGS_ERROR. If one of
 * them sets runs_once, nothing else of @settings is set. */
WdFlags *wd_osqueryd_flags_take(WdSettings *settings, guint cpus, const WdSettingsIo *io,
                                GError **error);

/* The limits of an osqueryd's watcher (osquery/core/watcher.cpp). @options: name to value, as a
 * worker answers. Returns: FALSE if one that matters is missing or isn't of its type; @limits is
 * then untouched. */
gboolean wd_limits_from_options(GHashTable *options, guint cpus, WdLimits *limits);

G_END_DECLS
