#include "watchdog/base/errno-error.h"

#include <errno.h>

gboolean
wd_errno_error(GError **error, const char *what)
{
  const int number = errno;
  g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(number), "%s: %s", what,
              g_strerror(number));
  return FALSE;
}
