#include "watchdog/core/settings/flag-warnings.h"

#include "watchdog/core/settings/nearest-flag.h"
#include "watchdog/core/settings/settings-error.h"

#include <string.h>

/* osquery/core/init.cpp: a lower one fails gflags' validation. */
#define ALARM_TIMEOUT_MIN_S 10

static void
add_values(WdSettings *settings, const WdFlags *flags)
{
  const WdFlag *level = wd_flags_get(flags, "watchdog_level");
  const WdFlag *utilization = wd_flags_get(flags, "watchdog_utilization_limit");
  const WdFlag *alarm = wd_flags_get(flags, "alarm_timeout");
  const WdFlag *forced = wd_flags_get(flags, "watchdog_forced_shutdown_delay");

  if (level->number < -1 || level->number > 1)
    wd_settings_warn(settings->warnings,
                     "%s: --watchdog_level=%s: osquery takes any level but -1 and 1 for 0",
                     level->source, level->text);
  if (utilization->number > 100)
    wd_settings_warn(settings->warnings,
                     "%s: --watchdog_utilization_limit=%s: osquery takes more than 100 for 100, "
                     "which no process can exceed",
                     utilization->source, utilization->text);
  if (alarm->number < ALARM_TIMEOUT_MIN_S)
    wd_settings_warn(settings->faults,
                     "%s: --alarm_timeout=%s: osqueryd refuses to start with less than %d",
                     alarm->source, alarm->text, ALARM_TIMEOUT_MIN_S);
  if (forced->number > alarm->number)
    wd_settings_warn(settings->warnings,
                     "%s: --watchdog_forced_shutdown_delay=%s: longer than --alarm_timeout=%s, "
                     "after which a worker ends itself",
                     forced->source, forced->text, alarm->text);
}

/* Whoever sets a limit expects it to be enforced. */
static void
add_contradictions(WdSettings *settings, const WdFlags *flags)
{
  static const char *const limits[] = {"watchdog_level", "watchdog_memory_limit",
                                       "watchdog_utilization_limit", "watchdog_latency_limit",
                                       "enable_extensions_watchdog"};
  const WdFlag *disabled = wd_flags_get(flags, "disable_watchdog");

  for (gsize i = 0; i < G_N_ELEMENTS(limits) && disabled->number != 0; i++) {
    const WdFlag *limit = wd_flags_get(flags, limits[i]);
    if (limit->number > 0)
      wd_settings_warn(settings->warnings,
                       "%s: --%s=%s: no limit is enforced, because of --disable_watchdog (%s)",
                       limit->source, limit->spec->name, limit->text, disabled->source);
  }
}

/* Whether @list, the value of --undefok, has @name. It means its "no", too. */
static gboolean
is_excused(const char *list, const char *name)
{
  g_auto(GStrv) names = g_strsplit(list, ",", -1);
  const char *positive = g_str_has_prefix(name, "no") ? name + strlen("no") : name;

  return g_strv_contains((const char *const *)names, name) ||
         g_strv_contains((const char *const *)names, positive);
}

/* We know few of osqueryd's flags, but all that begin with watchdog_. */
static void
add_unknown(WdSettings *settings, const WdFlags *flags, const WdUnknownFlag *unknown)
{
  const WdFlagSpec *nearest = wd_flag_nearest(flags->specs, flags->n_flags, unknown->name);
  const gboolean on_command_line = g_str_equal(unknown->source, "argv");

  if ((nearest == NULL && !g_str_has_prefix(unknown->name, "watchdog_")) ||
      is_excused(wd_flags_get(flags, "undefok")->text, unknown->name))
    return;
  g_autofree char *guess =
      nearest != NULL ? g_strdup_printf(" (did you mean --%s?)", nearest->name) : g_strdup("");
  wd_settings_warn(on_command_line ? settings->faults : settings->warnings,
                   "%s: --%s: %s: osquery 5.23 has no such flag%s", unknown->source, unknown->name,
                   on_command_line ? "osqueryd refuses to start" : "ignored", guess);
}

void
wd_flag_warnings_add(WdSettings *settings, const WdFlags *flags)
{
  add_values(settings, flags);
  add_contradictions(settings, flags);
  for (guint i = 0; i < flags->unknown->len; i++)
    add_unknown(settings, flags, g_ptr_array_index(flags->unknown, i));
  for (guint i = 0; i < flags->warnings->len; i++)
    g_ptr_array_add(settings->warnings, g_strdup(g_ptr_array_index(flags->warnings, i)));
}
