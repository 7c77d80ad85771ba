#include "watchdog/core/settings/permission.h"

WdPermission
wd_permission_check(const struct stat *file, const struct stat *directory, uid_t user,
                    gboolean allow_unsafe)
{
  if (file == NULL)
    return WD_PERMISSION_MISSING;
  if (allow_unsafe)
    return WD_PERMISSION_SAFE;
  if (directory == NULL)
    return WD_PERMISSION_DIRECTORY_MISSING;
  if (directory->st_mode & S_ISVTX)
    return WD_PERMISSION_DIRECTORY_STICKY;
  if (S_ISDIR(file->st_mode))
    return WD_PERMISSION_IS_DIRECTORY;
  if (file->st_uid != 0 && file->st_uid != user)
    return WD_PERMISSION_OWNER;
  if (!(file->st_mode & S_IXUSR))
    return WD_PERMISSION_NOT_EXECUTABLE;
  if (file->st_mode & S_IWOTH)
    return WD_PERMISSION_WRITABLE;
  return WD_PERMISSION_SAFE;
}

const char *
wd_permission_text(WdPermission permission)
{
  switch (permission) {
  case WD_PERMISSION_SAFE:
    return "is safe to execute";
  case WD_PERMISSION_MISSING:
    return "can't be opened";
  case WD_PERMISSION_DIRECTORY_MISSING:
    return "is in a directory that can't be looked at";
  case WD_PERMISSION_DIRECTORY_STICKY:
    return "is in a directory with the sticky bit, like /tmp";
  case WD_PERMISSION_IS_DIRECTORY:
    return "is a directory";
  case WD_PERMISSION_OWNER:
    return "is owned by neither root nor the current user";
  case WD_PERMISSION_NOT_EXECUTABLE:
    return "is not executable by its owner";
  case WD_PERMISSION_WRITABLE:
    return "is writable by others";
  }
  g_return_val_if_reached(NULL);
}
