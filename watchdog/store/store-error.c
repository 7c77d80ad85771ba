#include "watchdog/store/store-error.h"

G_DEFINE_QUARK(wd_store_error, wd_store_error)

gboolean
wd_store_fail(GError **error, WdStoreError code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *line = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error_literal(error, WD_STORE_ERROR, (gint)code, line);
  return FALSE;
}
