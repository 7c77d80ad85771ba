#include "watchdog/core/settings/settings-changes.h"

#include "watchdog/core/event/json.h"
#include "watchdog/core/event/setting.h"

#include <string.h>

/* These take effect while everything runs. */
static const char *const RELOADABLE[] = {
    "memory_metric",
    "dry_run",
    "grace_limit",
    "extension_give_up",
    "extension_registration_timeout",
    "unresponsive_timeout",
    "watchdog_level",
    "watchdog_memory_limit",
    "watchdog_utilization_limit",
    "watchdog_latency_limit",
    "watchdog_delay",
    "watchdog_max_delay",
    "watchdog_forced_shutdown_delay",
    "enable_extensions_watchdog",
    "enable_watchdog_debug",
    "disable_watchdog",
};

WdLimits
wd_settings_reloaded_limits(const WdLimits *before, const WdLimits *now)
{
  WdLimits limits = *now;
  limits.manager = before->manager;
  limits.stop_grace_s = before->stop_grace_s;
  limits.extensions_interval_s = before->extensions_interval_s;
  limits.extensions_timeout_s = before->extensions_timeout_s;
  return limits;
}

static gboolean
is_reloadable(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(RELOADABLE); i++)
    if (g_str_equal(RELOADABLE[i], name))
      return TRUE;
  return FALSE;
}

GPtrArray *
wd_settings_in_effect(const GPtrArray *before, const WdSettings *settings, const char *osqueryd)
{
  GPtrArray *result = g_ptr_array_new_with_free_func((GDestroyNotify)wd_setting_free);
  const gboolean by_path = strchr(settings->osqueryd_argv[0], '/') != NULL;
  g_autoptr(WdSetting) program = wd_setting_new("osqueryd", osqueryd, by_path ? "argv" : "PATH");
  g_ptr_array_add(result, wd_setting_safe_copy(program));
  for (guint i = 0; i < settings->origins->len; i++) {
    const WdSetting *now = g_ptr_array_index(settings->origins, i);
    const WdSetting *kept =
        before != NULL && !is_reloadable(now->name) ? wd_setting_find(before, now->name) : NULL;
    g_ptr_array_add(result, wd_setting_safe_copy(kept != NULL ? kept : now));
  }
  return result;
}

static const char *
value_of(const WdSettings *settings, const char *name)
{
  const WdSetting *origin = wd_settings_find(settings, name);
  return origin != NULL ? origin->value : "";
}

static void
append_paths(GString *json, GString *message, const char *key, const char *words,
             const GPtrArray *paths)
{
  wd_json_append_key(json, key);
  g_string_append_c(json, '[');
  for (guint i = 0; i < paths->len; i++) {
    const char *path = g_ptr_array_index(paths, i);
    wd_json_separate(json);
    wd_json_append_string(json, path);
    g_string_append_printf(message, "%s %s %s", message->len > 0 ? "," : "", words, path);
  }
  g_string_append_c(json, ']');
}

static void
append_change(GString *json, GString *message, const char *name, const char *before,
              const char *now)
{
  wd_json_separate(json);
  g_string_append_c(json, '{');
  wd_json_append_text(json, "name", name);
  wd_json_append_text(json, "old", before);
  wd_json_append_text(json, "new", now);
  g_string_append_c(json, '}');
  g_string_append_printf(message, "%s --%s=%s (was %s)", message->len > 0 ? "," : "", name, now,
                         before);
}

WdSettingsChanges *
wd_settings_changes(const WdSettings *before, const WdSettings *now, const GPtrArray *added,
                    const GPtrArray *removed)
{
  g_autoptr(GString) json = g_string_new("{\"settings\":[");
  g_autoptr(GString) message = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(RELOADABLE); i++) {
    const char *old_value = value_of(before, RELOADABLE[i]);
    const char *new_value = value_of(now, RELOADABLE[i]);
    if (strcmp(old_value, new_value) != 0)
      append_change(json, message, RELOADABLE[i], old_value, new_value);
  }
  g_string_append_c(json, ']');
  append_paths(json, message, "extensions_added", "extension added:", added);
  append_paths(json, message, "extensions_removed", "extension removed:", removed);
  g_string_append_c(json, '}');
  if (message->len == 0)
    return NULL;
  WdSettingsChanges *changes = g_new(WdSettingsChanges, 1);
  changes->details = g_string_free(g_steal_pointer(&json), FALSE);
  changes->message = g_strconcat("settings changed:", message->str, NULL);
  return changes;
}

void
wd_settings_changes_free(WdSettingsChanges *changes)
{
  if (changes == NULL)
    return;
  g_free(changes->details);
  g_free(changes->message);
  g_free(changes);
}
