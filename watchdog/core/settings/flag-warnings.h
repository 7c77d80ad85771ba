/* Warnings about osqueryd's flags: those that work, but hardly as meant, and those with which
 * osqueryd refuses to start. Pure. */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Adds to the warnings and faults of @settings. @flags: all of osqueryd's that we know. */
void wd_flag_warnings_add(WdSettings *settings, const WdFlags *flags);

G_END_DECLS
