/* One run of the watchdog, from settings to exit code. */
#pragma once

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Ends what an earlier run left behind, supervises until it is asked to stop or gives up, and ends
 * every process of its own that it can. Where the store's directories can't be used, it goes on
 * without them and tries again. If preparing fails, nothing is
 * started.
 * @argv: the command line, from which the settings are read again on a reload. @settings: taken.
 * Returns: the exit code; without meaning if @error is set, because supervising never began. */
int wd_supervision_run(const char *const *argv, WdSettings *settings, GError **error);

G_END_DECLS
