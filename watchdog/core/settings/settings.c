#include "watchdog/core/settings/settings.h"

const WdSetting *
wd_settings_find(const WdSettings *settings, const char *name)
{
  return wd_setting_find(settings->origins, name);
}

void
wd_settings_free(WdSettings *settings)
{
  if (settings == NULL)
    return;
  g_free(settings->state_dir);
  g_free(settings->runtime_dir);
  g_free(settings->tables_extension);
  g_strfreev(settings->osqueryd_argv);
  g_free(settings->runs_once);
  g_free(settings->extensions_socket);
  g_free(settings->extensions_autoload);
  g_free(settings->pidfile);
  g_ptr_array_unref(settings->origins);
  g_ptr_array_unref(settings->warnings);
  g_ptr_array_unref(settings->faults);
  g_free(settings);
}
