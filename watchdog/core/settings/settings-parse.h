/* From our own options before `--` and from osqueryd's flags after it (gflags.h, both) to settings,
 * purely: files and environment come through callbacks. */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* @argv: the program's whole command line, argv[0] included, NULL-terminated. What stands before
 * the first "--" is ours, what stands behind it is osqueryd and its flags.
 * @cpus: online CPUs.
 * With --version or --help, nothing else is read, and osqueryd_argv is NULL unless given.
 * Paths stay as they were given: a relative one is meant from the working directory.
 * Returns: the settings, or NULL with a one-line @error in WD_SETTINGS_ERROR that names the input
 * and what was expected. */
WdSettings *wd_settings_parse(const char *const *argv, guint cpus, const WdSettingsIo *io,
                              GError **error);

G_END_DECLS
