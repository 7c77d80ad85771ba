#include "watchdog/core/settings/query-names.h"

#include "watchdog/core/settings/flag-value.h"

#include <string.h>

enum { SCHEDULED, DISTRIBUTED, N_ORIGINS };

static const struct {
  const char *flag;
  const char *queries;
} ORIGINS[N_ORIGINS] = {
    [SCHEDULED] = {"schedule_lognames", "scheduled"},
    [DISTRIBUTED] = {"distributed_loginfo", "distributed"},
};

static gboolean
is_set(const WdSetting *flag)
{
  return !g_str_equal(flag->source, "default");
}

static gboolean
is_on(const WdSettings *settings, const char *name)
{
  return g_str_equal(wd_settings_find(settings, name)->value, "true");
}

/* --- what is added --- */

static gboolean
may_add(const WdSettings *settings, guint origin)
{
  return settings->name_queries && !is_set(wd_settings_find(settings, ORIGINS[origin].flag));
}

gboolean
wd_query_names_wanted(const WdSettings *settings)
{
  return may_add(settings, SCHEDULED) || may_add(settings, DISTRIBUTED);
}

/* osquery/core/flags.cpp, Flag::printFlags: "    --NAME" or "    --NAME VALUE", then blanks and a
 * description, which may name other flags. */
static gboolean
lists(const char *help, const char *name)
{
  g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++) {
    const char *line = lines[i] + strspn(lines[i], " ");
    if (!g_str_has_prefix(line, "--"))
      continue;
    line += strlen("--");
    const gsize length = strcspn(line, " \t\r");
    if (length == strlen(name) && strncmp(line, name, length) == 0)
      return TRUE;
  }
  return FALSE;
}

char **
wd_query_names_argv(const WdSettings *settings, const char *help, GPtrArray *unknown)
{
  g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
  g_strv_builder_add(argv, settings->osqueryd_argv[0]);
  for (guint i = 0; i < N_ORIGINS; i++) {
    if (!may_add(settings, i))
      continue;
    if (lists(help, ORIGINS[i].flag)) {
      g_autofree char *word = g_strdup_printf("--%s=true", ORIGINS[i].flag);
      g_strv_builder_add(argv, word);
    } else {
      g_ptr_array_add(unknown, (gpointer)ORIGINS[i].flag);
    }
  }
  g_strv_builder_addv(argv, (const char **)settings->osqueryd_argv + 1);
  return g_strv_builder_end(argv);
}

/* --- what is named --- */

static gint64
level_of(const WdSettings *settings, const char *name)
{
  gint64 level = 0;
  (void)wd_flag_value_parse(WD_FLAG_INT32, wd_settings_find(settings, name)->value, &level);
  return level;
}

/* The flag that keeps the level INFO from stderr; NULL: it gets there. */
static const WdSetting *
silenced_by(const WdSettings *settings)
{
  const WdSetting *plugin = wd_settings_find(settings, "logger_plugin");
  g_auto(GStrv) plugins = g_strsplit(plugin->value, ",", -1);
  const char *const *list = (const char *const *)plugins;
  const gboolean verbose = is_on(settings, "verbose");
  const char *flag = NULL;
  if (g_strv_contains(list, "stdout"))
    flag = "logger_plugin";
  else if (!verbose && level_of(settings, "logger_min_status") > 0)
    flag = "logger_min_status";
  /* Other plugins than these two leave everything on stderr. */
  else if (g_strv_contains(list, "filesystem") && !is_on(settings, "logger_stderr"))
    flag = "logger_stderr";
  else if (g_strv_contains(list, "filesystem") && !verbose &&
           level_of(settings, "logger_min_stderr") > 0)
    flag = "logger_min_stderr";
  return flag != NULL ? wd_settings_find(settings, flag) : NULL;
}

static void
append_item(GString *list, const char *separator, const char *item)
{
  g_string_append_printf(list, "%s%s", list->len > 0 ? separator : "", item);
}

static void
append_flag(GString *list, const WdSetting *flag)
{
  g_autofree char *item = g_strdup_printf("--%s=%s, %s", flag->name, flag->value, flag->source);
  append_item(list, "; ", item);
}

char *
wd_query_names_describe(const WdSettings *settings)
{
  const WdSetting *silence = silenced_by(settings);
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GString) why = g_string_new(NULL);
  gboolean asks = FALSE, advise = FALSE;
  if (silence != NULL) {
    append_flag(why, silence);
    return g_strdup_printf("scheduled not named, distributed not named  (%s)", why->str);
  }
  for (guint i = 0; i < N_ORIGINS; i++) {
    const WdSetting *flag = wd_settings_find(settings, ORIGINS[i].flag);
    const gboolean named = is_on(settings, "verbose") || is_on(settings, ORIGINS[i].flag);
    const gboolean asked = !named && may_add(settings, i);
    asks = asks || asked;
    advise = advise || (!named && !asked && !is_set(flag));
    if (!named && is_set(flag))
      append_flag(why, flag);
    g_autofree char *item = g_strconcat(ORIGINS[i].queries,
                                        named   ? " named"
                                        : asked ? " named if osqueryd can"
                                                : " not named",
                                        NULL);
    append_item(text, ", ", item);
  }
  if (asks)
    append_item(why, "; ", "--name_queries asks osqueryd at the start");
  if (advise)
    append_item(why, "; ", "--name_queries would name them");
  if (why->len > 0)
    g_string_append_printf(text, "  (%s)", why->str);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/* --- in a log of its own --- */

const char *
wd_query_names_log_directory(GHashTable *options)
{
  const char *plugin = g_hash_table_lookup(options, "logger_plugin");
  const char *path = g_hash_table_lookup(options, "logger_path");
  const char *disabled = g_hash_table_lookup(options, "disable_logging");
  g_auto(GStrv) plugins = g_strsplit(plugin != NULL ? plugin : "", ",", -1);
  return path != NULL && g_path_is_absolute(path) && g_strcmp0(disabled, "true") != 0 &&
                 g_strv_contains((const char *const *)plugins, "filesystem")
             ? path
             : NULL;
}
