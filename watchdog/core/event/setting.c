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

static char *
safe_copy(const char *text)
{
  char *copy = g_utf8_make_valid(text, -1);
  wd_text_mark_controls(copy, '?');
  return copy;
}

WdSetting *
wd_setting_new(const char *name, const char *value, const char *source)
{
  WdSetting *setting = g_new(WdSetting, 1);
  *setting = (WdSetting){safe_copy(name), safe_copy(value), safe_copy(source)};
  return setting;
}

void
wd_setting_free(WdSetting *setting)
{
  if (setting == NULL)
    return;
  wd_table_free_texts(&wd_setting_table, setting);
  g_free(setting);
}
