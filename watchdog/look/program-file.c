#include "watchdog/look/program-file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "watchdog/core/settings/permission.h"

gboolean
wd_program_file_check(const char *path, gboolean allow_unsafe, GError **error)
{
  struct stat file;
  struct stat directory;
  g_autofree char *parent = g_path_get_dirname(path);
  const gboolean has_file = stat(path, &file) == 0;
  const gboolean has_directory = stat(parent, &directory) == 0;
  const char *fault = wd_permission_fault(
      has_file ? &file : NULL, has_directory ? &directory : NULL, geteuid(), allow_unsafe);
  if (fault == NULL)
    return TRUE;
  g_set_error(error, G_FILE_ERROR, has_file ? G_FILE_ERROR_ACCES : G_FILE_ERROR_NOENT, "%s %s",
              path, fault);
  return FALSE;
}
