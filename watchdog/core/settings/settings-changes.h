/* What a reload changes, from two readings of the settings. Pure. */
#pragma once

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* The limits after a reload: @now's, but those stay that the running worker and extensions were
 * started with. */
WdLimits wd_settings_reloaded_limits(const WdLimits *before, const WdLimits *now);

/* What is in effect, of WdSetting: all of @settings, the program of osqueryd first, or what a
 * reload makes of it.
 * @before: what was in effect until then; NULL: this is the start.
 * @osqueryd: its path. */
GPtrArray *wd_settings_in_effect(const GPtrArray *before, const WdSettings *settings,
                                 const char *osqueryd);

typedef struct {
  char *details; /* JSON: settings [{name, old, new}], extensions_added, extensions_removed */
  char *message; /* the same for people */
} WdSettingsChanges;

/* @added, @removed: paths of extensions, GPtrArrays of char *. Returns: NULL if nothing changes
 * that a reload can change. */
WdSettingsChanges *wd_settings_changes(const WdSettings *before, const WdSettings *now,
                                       const GPtrArray *added, const GPtrArray *removed);
void wd_settings_changes_free(WdSettingsChanges *changes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSettingsChanges, wd_settings_changes_free)

G_END_DECLS
