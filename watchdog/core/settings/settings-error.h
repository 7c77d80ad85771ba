/* Errors and warnings about settings that are wrong. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Each message is one line that names the input, where it is from, and what was expected. */
#define WD_SETTINGS_ERROR wd_settings_error_quark()
GQuark wd_settings_error_quark(void);

typedef enum {
  WD_SETTINGS_ERROR_USAGE, /* a setting is wrong: exit 2 */
  WD_SETTINGS_ERROR_FILE,  /* a flagfile can't be used: exit 1 */
} WdSettingsError;

/* Sets @error to the formatted line, with a '?' for each control character. Returns: FALSE. */
gboolean wd_settings_fail(GError **error, WdSettingsError code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Adds such a line to @lines, of char *: the settings' warnings or faults. */
void wd_settings_warn(GPtrArray *lines, const char *format, ...) G_GNUC_PRINTF(2, 3);

G_END_DECLS
