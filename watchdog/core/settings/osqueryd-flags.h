/* osqueryd's flags and their defaults, however they arrive: on its command line and in its
 * flagfiles, or from a worker that is asked for them. */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* A flagfile that osqueryd applies when it is given none, if it can read it
 * (osquery/core/init.cpp). */
#define WD_OSQUERYD_DEFAULT_FLAGFILE "/etc/osquery/osquery.flags.default"

/* Fills in what is osqueryd's in @settings, whose osqueryd_argv has a program in it.
 * Returns: all flags that we know, to show where each is from; or NULL with @error in
 * WD_SETTINGS_ERROR. */
WdFlags *wd_osqueryd_flags_take(WdSettings *settings, guint cpus, const WdSettingsIo *io,
                                GError **error);

/* The limits that an osqueryd's watcher has (osquery/core/watcher.cpp). @options: name to value, as
 * a worker answers. Returns: FALSE when one that matters is missing or no value of its type; then
 * @limits is untouched. */
gboolean wd_limits_from_options(GHashTable *options, guint cpus, WdLimits *limits);

G_END_DECLS
