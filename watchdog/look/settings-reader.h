/* Reads the settings from the command line, the flagfiles and the environment of this process, and
 * looks whether they fit this host. */
#pragma once

#include <glib.h>

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* @argv: the whole command line. Warnings about this host are among those of the settings.
 * Returns: NULL with @error as wd_settings_parse(). */
WdSettings *wd_settings_read(const char *const *argv, GError **error);

G_END_DECLS
