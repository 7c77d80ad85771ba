#include "watchdog/look/settings-reader.h"

#include <unistd.h>

#include "watchdog/core/settings/settings-parse.h"
#include "watchdog/look/host-warnings.h"
#include "watchdog/look/text-file.h"

static char *
read_file(const char *path, gsize *length, gpointer user_data, GError **error)
{
  (void)user_data;
  return wd_text_file_read(path, length, error);
}

static const char *
get_env(const char *name, gpointer user_data)
{
  (void)user_data;
  return g_getenv(name);
}

WdSettings *
wd_settings_read(const char *const *argv, GError **error)
{
  const WdSettingsIo io = {.read_file = read_file, .get_env = get_env};
  const guint cpus = (guint)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
  WdSettings *settings = wd_settings_parse(argv, cpus, &io, error);
  if (settings != NULL && settings->understood)
    wd_host_warnings_add(settings);
  return settings;
}
