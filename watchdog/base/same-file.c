#include "watchdog/base/same-file.h"

#include <sys/stat.h>

gboolean
wd_is_same_file(int fd, const char *path)
{
  struct stat opened;
  struct stat named;
  return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}
