/* --check: what would be in effect, what is wrong, and whether osqueryd can be supervised. */
#pragma once

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Looks at what @settings name, and adds to their warnings and faults. Prints to stdout every
 * setting with its source, the warnings and, last, a verdict. The faults, which prevent a start, go
 * to stderr before the verdict. Changes nothing else. Returns: the exit status: 0; 3 with warnings;
 * 1 when osqueryd can't be supervised, or with @error when stdout can't be written. */
int wd_check_run(WdSettings *settings, GError **error);

G_END_DECLS
