#include "watchdog/core/settings/settings-parse.h"

#include "watchdog/core/settings/osqueryd-flags.h"
#include "watchdog/core/settings/own-options.h"
#include "watchdog/core/settings/runs-once.h"
#include "watchdog/core/settings/settings-error.h"

static void
add_origin(WdSettings *settings, const char *name, const char *value, const char *source)
{
  g_ptr_array_add(settings->origins, wd_setting_new(name, value, source));
}

static void
add_level_origin(WdSettings *settings, const char *name, gint64 value)
{
  g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);
  g_autofree char *source =
      g_strdup_printf("level %s", wd_limits_level_name(settings->watchdog_level));

  add_origin(settings, name, text, source);
}

/* The flags that are settings: not those that only name an action, or a place of settings. */
static void
add_origins(WdSettings *settings, const WdFlags *flags)
{
  static const char *const no_settings[] = {"check",      "flagfile", "fromenv",
                                            "tryfromenv", "undefok",  NULL};
  const WdLimits *limits = &settings->limits;

  for (gsize i = 0; i < flags->n_flags; i++) {
    const WdFlag *flag = &flags->flags[i];
    const char *name = flag->spec->name;

    if (g_strv_contains(no_settings, name) || wd_runs_once_flag(name))
      continue;
    if (flag->number == 0 && g_str_equal(name, "watchdog_memory_limit"))
      add_level_origin(settings, name, limits->memory_limit_bytes / (1024 * 1024));
    else if (flag->number == 0 && g_str_equal(name, "watchdog_utilization_limit"))
      add_level_origin(settings, name, limits->utilization_limit);
    else if (flag->number == 0 && g_str_equal(name, "watchdog_latency_limit"))
      add_level_origin(settings, name, limits->latency_limit_s);
    else
      add_origin(settings, name, flag->text, flag->source);
  }
}

/* Copies argv[0] and the words before "--" to @own, those behind it to @osqueryd. */
static void
split_argv(const char *const *argv, char ***own, char ***osqueryd)
{
  g_autoptr(GStrvBuilder) before = g_strv_builder_new();
  g_autoptr(GStrvBuilder) behind = g_strv_builder_new();
  GStrvBuilder *part = before;

  g_strv_builder_add(before, argv[0]);
  for (gsize i = 1; argv[i] != NULL; i++) {
    if (part == before && g_str_equal(argv[i], "--"))
      part = behind;
    else
      g_strv_builder_add(part, argv[i]);
  }
  *own = g_strv_builder_end(before);
  *osqueryd = g_strv_builder_end(behind);
}

WdSettings *
wd_settings_parse(const char *const *argv, guint cpus, const WdSettingsIo *io, GError **error)
{
  g_autoptr(WdSettings) settings = g_new0(WdSettings, 1);
  g_auto(GStrv) own_argv = NULL;

  settings->origins = g_ptr_array_new_with_free_func((GDestroyNotify)wd_setting_free);
  settings->warnings = g_ptr_array_new_with_free_func(g_free);
  settings->faults = g_ptr_array_new_with_free_func(g_free);
  split_argv(argv, &own_argv, &settings->osqueryd_argv);

  g_autoptr(WdFlags) own = wd_own_options_take(settings, (const char *const *)own_argv, io, error);
  if (own == NULL)
    return NULL;
  add_origins(settings, own);
  if (settings->command == WD_COMMAND_HELP || settings->command == WD_COMMAND_VERSION)
    return g_steal_pointer(&settings);

  if (settings->osqueryd_argv[0] == NULL || *settings->osqueryd_argv[0] == '\0') {
    wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE,
                     "argv: expected -- OSQUERYD, the program to supervise, behind the options");
    return NULL;
  }
  settings->runs_once = wd_runs_once_by_words(settings->osqueryd_argv);
  if (settings->runs_once != NULL)
    return g_steal_pointer(&settings);
  g_autoptr(GError) fault = NULL;
  g_autoptr(WdFlags) osqueryd = wd_osqueryd_flags_take(settings, cpus, io, &fault);
  if (osqueryd == NULL && settings->command == WD_COMMAND_CHECK) {
    wd_settings_warn(settings->faults, "%s", fault->message);
    return g_steal_pointer(&settings);
  }
  if (osqueryd == NULL) {
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
  }
  if (settings->runs_once != NULL)
    return g_steal_pointer(&settings);
  settings->understood = TRUE;
  add_origins(settings, osqueryd);
  add_level_origin(settings, "respawn_limit", settings->limits.respawn_limit);
  add_level_origin(settings, "respawn_delay", settings->limits.respawn_delay_s);
  return g_steal_pointer(&settings);
}
