#include "watchdog/core/settings/settings-error.h"

#include "watchdog/core/event/safe-text.h"

G_DEFINE_QUARK(wd_settings_error, wd_settings_error)

/* Text that was read may hold a line break, which would make two lines of one message. */
static char *
one_line(const char *format, va_list args)
{
  char *line = g_strdup_vprintf(format, args);

  wd_text_mark_controls(line, '?');
  return line;
}

gboolean
wd_settings_fail(GError **error, WdSettingsError code, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  g_autofree char *line = one_line(format, args);
  va_end(args);
  g_set_error_literal(error, WD_SETTINGS_ERROR, (gint)code, line);
  return FALSE;
}

void
wd_settings_warn(GPtrArray *lines, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  g_ptr_array_add(lines, one_line(format, args));
  va_end(args);
}
