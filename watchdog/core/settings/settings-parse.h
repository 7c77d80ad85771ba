/* Makes settings of our own options before `--` and of osqueryd's flags after it (gflags.h). Pure:
 * files and environment come through callbacks. */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* @argv: the program's whole command line, argv[0] included, NULL-terminated. Our options stand
 * before the first "--"; osqueryd and its flags stand behind it.
 * @cpus: online CPUs.
 * With --version or --help, nothing else is read, and osqueryd_argv is NULL unless given. Paths
 * stay as they are given: a relative one starts at the working directory. With --check, a fault in
 * osqueryd's flags is one of the settings' faults.
 * If osqueryd needs no watchdog, its flags are not judged: it does that itself.
 * Returns: the settings, or NULL with a one-line @error in WD_SETTINGS_ERROR that names the input
 * and what was expected. */
WdSettings *wd_settings_parse(const char *const *argv, guint cpus, const WdSettingsIo *io,
                              GError **error);

G_END_DECLS
