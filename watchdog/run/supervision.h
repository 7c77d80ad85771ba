/* One run of the watchdog, from settings to exit code. */
#pragma once

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Prepares the directories, ends what an earlier run left behind, supervises until told to stop or
 * giving up, and leaves nothing running that it knows for its own and can end. Nothing is changed
 * when what it needs can't be had.
 * @argv: the command line, to read the settings anew when asked to reload. @settings: taken.
 * Returns: the exit code; of no meaning with @error, when it never began. */
int wd_supervision_run(const char *const *argv, WdSettings *settings, GError **error);

G_END_DECLS
