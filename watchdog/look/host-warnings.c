#include "watchdog/look/host-warnings.h"

#include <errno.h>
#include <sys/stat.h>

#include "watchdog/core/settings/settings-error.h"
#include "watchdog/look/control-group.h"

static gboolean
is_missing(const char *path)
{
  struct stat status;
  return stat(path, &status) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Most hosts have no file where osqueryd looks by default, and don't need one. */
static void
warn_of_autoload(WdSettings *settings)
{
  const WdSetting *autoload = wd_settings_find(settings, "extensions_autoload");
  if (!g_str_equal(autoload->source, "default") && is_missing(autoload->value))
    wd_settings_warn(
        settings->warnings,
        "%s: --extensions_autoload=%s: there is no such file: no extensions are loaded",
        autoload->source, autoload->value);
}

/* osqueryd makes the socket, but not its directory. */
static void
warn_of_socket(WdSettings *settings)
{
  const WdSetting *manager_socket = wd_settings_find(settings, "extensions_socket");
  g_autofree char *directory = g_path_get_dirname(manager_socket->value);
  if (is_missing(directory))
    wd_settings_warn(settings->warnings,
                     "%s: --extensions_socket=%s: there is no such directory: no extension can "
                     "register",
                     manager_socket->source, manager_socket->value);
}

void
wd_host_warnings_add(WdSettings *settings)
{
  g_auto(WdGroupCaps) caps;
  wd_control_group_caps("/", &caps);
  wd_group_caps_warn(&caps, &settings->limits, settings->warnings);
  if (!settings->limits.manager)
    return;
  warn_of_autoload(settings);
  warn_of_socket(settings);
}
