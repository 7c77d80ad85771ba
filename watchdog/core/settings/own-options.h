/* The part of settings.h that is ours: what stands before "--". */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Fills in what is ours in @settings.
 * @argv: argv[0] and what stands before "--", NULL-terminated.
 * Returns: all options, to show where each is from; or NULL with @error in WD_SETTINGS_ERROR. */
WdFlags *wd_own_options_take(WdSettings *settings, const char *const *argv, const WdSettingsIo *io,
                             GError **error);

/* What --help prints: the usage, our options, their units and defaults. Static. */
const char *wd_own_options_help(void);

G_END_DECLS
