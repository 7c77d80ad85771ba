/* Reads the settings from the command line, the flagfiles and the environment of this process. */
#pragma once

#include <glib.h>

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* @argv: the whole command line. NULL with @error as wd_settings_parse(). */
WdSettings *wd_settings_read(const char *const *argv, GError **error);

/* Prints every setting with its source, then a warning for each setting that can't work as meant,
 * by itself or on this host; or that osqueryd needs no watchdog. Changes nothing. Returns: FALSE
 * with @error when osqueryd can't be supervised at all, or stdout can't be written. */
gboolean wd_settings_check(const WdSettings *settings, GError **error);

G_END_DECLS
