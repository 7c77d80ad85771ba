#include "watchdog/core/event/setting.h"

#include "watchdog/core/event/safe-text.h"

#define SETTING(column, member, ...)                            \
  .name = column, .type = WD_TYPE_TEXT, .value = WD_VALUE_TEXT, \
  .offset = offsetof(WdSetting, member), .meaning = __VA_ARGS__

static const WdColumn columns[] = {
    {SETTING("name", name, "the option or flag, without dashes; `osqueryd`: the program itself")},
    {SETTING("value", value, "as given, or as it follows from `watchdog_level`")},
    {SETTING(
        "source", source,
        "`default`, `argv`, `FILE:LINE` of a flagfile, `FLAGS_…` of the environment, `level …`, "
        "or `PATH` for osqueryd")},
};

const WdTable wd_setting_table = {
    .name = "watchdog_settings",
    .columns = columns,
    .n_columns = G_N_ELEMENTS(columns),
    .stored = "settings",
    .key = "id",
};

WdSetting *
wd_setting_new(const char *name, const char *value, const char *source)
{
  WdSetting *setting = g_new(WdSetting, 1);
  *setting = (WdSetting){g_strdup(name), g_strdup(value), g_strdup(source)};
  return setting;
}

static char *
safe_text(const char *text)
{
  char *copy = g_utf8_make_valid(text, -1);
  wd_text_mark_controls(copy, '?');
  return copy;
}

WdSetting *
wd_setting_safe_copy(const WdSetting *setting)
{
  WdSetting *copy = g_new(WdSetting, 1);
  *copy =
      (WdSetting){safe_text(setting->name), safe_text(setting->value), safe_text(setting->source)};
  return copy;
}

const WdSetting *
wd_setting_find(const GPtrArray *settings, const char *name)
{
  for (guint i = 0; i < settings->len; i++) {
    const WdSetting *setting = g_ptr_array_index(settings, i);
    if (g_str_equal(setting->name, name))
      return setting;
  }
  return NULL;
}

void
wd_setting_free(WdSetting *setting)
{
  if (setting == NULL)
    return;
  wd_table_free_texts(&wd_setting_table, setting);
  g_free(setting);
}
