/* Warnings about settings that don't fit this host. */
#pragma once

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Adds to the warnings of @settings: control groups that leave no room for the limits, and files
 * that the settings name and that aren't there. */
void wd_host_warnings_add(WdSettings *settings);

G_END_DECLS
