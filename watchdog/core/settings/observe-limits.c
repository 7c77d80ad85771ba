#include "watchdog/core/settings/observe-limits.h"

#define MAX_DELAY_S 600 /* osquery's default */

static gboolean
number_of(GHashTable *options, const char *name, gint64 least, gint64 *value)
{
  const char *text = g_hash_table_lookup(options, name);
  return text != NULL && g_ascii_string_to_signed(text, 10, least, G_MAXINT64, value, NULL);
}

static gboolean
truth_of(GHashTable *options, const char *name, gboolean *value)
{
  const char *text = g_hash_table_lookup(options, name);
  *value = g_strcmp0(text, "true") == 0;
  return *value || g_strcmp0(text, "false") == 0;
}

/* No sum of times shall overflow. */
static gint64
seconds(gint64 value)
{
  return MIN(value, WD_LIMITS_MAX_S);
}

gboolean
wd_observe_limits(GHashTable *options, guint cpus, WdLimits *limits)
{
  WdLimitFlags flags;
  gint64 delay_s, forced_s, max_delay_s;
  gboolean disabled, extensions;
  if (!number_of(options, "watchdog_level", G_MININT32, &flags.level) ||
      !number_of(options, "watchdog_memory_limit", 0, &flags.memory_limit_mb) ||
      !number_of(options, "watchdog_utilization_limit", 0, &flags.utilization_limit) ||
      !number_of(options, "watchdog_latency_limit", 0, &flags.latency_limit_s) ||
      !number_of(options, "watchdog_delay", 0, &delay_s) ||
      !number_of(options, "watchdog_forced_shutdown_delay", 0, &forced_s) ||
      !truth_of(options, "disable_watchdog", &disabled) ||
      !truth_of(options, "enable_extensions_watchdog", &extensions))
    return FALSE;
  /* A hidden flag. */
  if (!number_of(options, "watchdog_max_delay", 0, &max_delay_s))
    max_delay_s = MAX_DELAY_S;
  WdLimits found = {
      .enforce = !disabled,
      .enforce_extensions = extensions,
      .memory_metric = WD_METRIC_GROWTH,
      .watchdog_delay_s = seconds(delay_s),
      .forced_shutdown_delay_s = seconds(forced_s),
      .max_delay_s = seconds(max_delay_s),
      .cpus = cpus,
  };
  wd_limits_resolve(&found, &flags);
  *limits = found;
  return TRUE;
}
