/* A setting that is in effect: one WdSetting becomes one row of watchdog_settings. */
#pragma once

#include "watchdog/core/event/column.h"

G_BEGIN_DECLS

typedef struct {
  char *name;   /* owned, as the next two */
  char *value;  /* as given, or as it follows from another setting */
  char *source; /* where it comes from */
} WdSetting;

extern const WdTable wd_setting_table;

/* Copies the three as valid UTF-8, without the control characters that a flag may hold. Free with
 * wd_setting_free(). */
WdSetting *wd_setting_new(const char *name, const char *value, const char *source);
void wd_setting_free(WdSetting *setting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSetting, wd_setting_free)

G_END_DECLS
