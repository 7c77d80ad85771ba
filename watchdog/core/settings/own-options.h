/* The part of settings.h that is ours: the options before "--". */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Fills in our part of @settings. @argv: argv[0] and the words before "--", NULL-terminated.
 * Returns: all options, each with its source; or NULL with @error in WD_SETTINGS_ERROR. */
WdFlags *wd_own_options_take(WdSettings *settings, const char *const *argv, const WdSettingsIo *io,
                             GError **error);

/* What --help prints: the usage, our options, their units and defaults. Static. */
const char *wd_own_options_help(void);

G_END_DECLS
