#include "watchdog/core/settings/permission.h"

const char *
wd_permission_fault(const struct stat *file, const struct stat *directory, uid_t user,
                    gboolean allow_unsafe)
{
  if (file == NULL)
    return "can't be opened";
  if (allow_unsafe)
    return NULL;
  if (directory == NULL)
    return "names no directory that can be looked at";
  if (directory->st_mode & S_ISVTX)
    return "is in a directory with the sticky bit, like /tmp";
  if (S_ISDIR(file->st_mode))
    return "is a directory";
  if (file->st_uid != 0 && file->st_uid != user)
    return "is owned by neither root nor the current user";
  if (!(file->st_mode & S_IXUSR))
    return "is not executable by its owner";
  if (file->st_mode & S_IWOTH)
    return "is writable by others";
  return NULL;
}
