/* A setting and where it comes from, as --check shows it; one that is in effect becomes one row of
 * watchdog_settings. */
#pragma once

#include "watchdog/core/event/column.h"

G_BEGIN_DECLS

typedef struct {
  char *name;   /* owned, as the next two */
  char *value;  /* as given, or as it follows from another setting */
  char *source; /* where it comes from */
} WdSetting;

extern const WdTable wd_setting_table;

/* Copies the three as they are. Free with wd_setting_free(). */
WdSetting *wd_setting_new(const char *name, const char *value, const char *source);

/* A copy as valid UTF-8, without the control characters that a flag may hold. */
WdSetting *wd_setting_safe_copy(const WdSetting *setting);

/* The one called @name among @settings, of WdSetting; NULL: none. */
const WdSetting *wd_setting_find(const GPtrArray *settings, const char *name);

void wd_setting_free(WdSetting *setting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSetting, wd_setting_free)

G_END_DECLS
