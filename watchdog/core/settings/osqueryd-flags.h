/* The part of settings.h that is osqueryd's: the flags behind "-- OSQUERYD". */
#pragma once

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Fills in what is osqueryd's in @settings, whose osqueryd_argv has a program in it.
 * Returns: all flags that we know, to tell where each is from; or NULL with @error in
 * WD_SETTINGS_ERROR. */
WdFlags *wd_osqueryd_flags_take(WdSettings *settings, guint cpus, const WdSettingsIo *io,
                                GError **error);

G_END_DECLS
