#include "watchdog/record/private-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"

static gboolean
check_directory(const char *path, GError **error)
{
  struct stat status;
  if (stat(path, &status) < 0)
    return wd_errno_error(error, path);
  const char *problem = NULL;
  if (!S_ISDIR(status.st_mode))
    problem = "is not a directory";
  else if (status.st_uid != geteuid() && status.st_uid != 0)
    problem = "is owned by another user";
  else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    problem = "is writable by others";
  else if (access(path, W_OK | X_OK) < 0)
    problem = "can't be written";
  if (problem == NULL)
    return TRUE;
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_ACCES, "%s: %s", path, problem);
  return FALSE;
}

char *
wd_private_directory_prepare(const char *path, GError **error)
{
  g_autofree char *absolute = g_canonicalize_filename(path, NULL);
  if (g_mkdir_with_parents(absolute, 0700) < 0) {
    wd_errno_error(error, absolute);
    return NULL;
  }
  return check_directory(absolute, error) ? g_steal_pointer(&absolute) : NULL;
}

int
wd_private_directory_lock(const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename(directory, "lock", NULL);
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    wd_errno_error(error, path);
    return -1;
  }
  /* Unlike flock(), this lock belongs to the process: one directory may serve for state and runtime
   * files. */
  const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_SETLK, &whole) == 0)
    return fd;
  if (errno == EACCES || errno == EAGAIN)
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "%s: locked: another osquery-watchdogd, or an observing osquery-watchdog.ext, uses "
                "this directory",
                path);
  else
    wd_errno_error(error, path);
  close(fd);
  return -1;
}
