#include "watchdog/record/private-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/base/same-file.h"

struct WdPrivateDirectory {
  char *path;
  char *lock_path;
  gint lock_fd; /* atomic; -1: not claimed */
  guint claims; /* that had to take the lock */
};

/* Unlike flock(), this lock belongs to the process: one directory may serve for state and runtime
 * files. */
static const struct flock WHOLE = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

static char *
lock_path_of(const char *path)
{
  return g_build_filename(path, "lock", NULL);
}

WdPrivateDirectory *
wd_private_directory_new(const char *path)
{
  WdPrivateDirectory *directory = g_new0(WdPrivateDirectory, 1);
  directory->path = g_canonicalize_filename(path, NULL);
  directory->lock_path = lock_path_of(directory->path);
  directory->lock_fd = -1;
  return directory;
}

static void
release(WdPrivateDirectory *directory)
{
  const int fd = directory->lock_fd;
  g_atomic_int_set(&directory->lock_fd, -1);
  if (fd >= 0)
    close(fd);
}

void
wd_private_directory_free(WdPrivateDirectory *directory)
{
  if (directory == NULL)
    return;
  release(directory);
  g_free(directory->path);
  g_free(directory->lock_path);
  g_free(directory);
}

const char *
wd_private_directory_path(const WdPrivateDirectory *directory)
{
  return directory->path;
}

/* --- checking --- */

static gboolean
check_status(const char *path, const struct stat *status, GError **error)
{
  const char *problem = NULL;
  if (!S_ISDIR(status->st_mode))
    problem = "is not a directory";
  else if (status->st_uid != geteuid() && status->st_uid != 0)
    problem = "is owned by another user";
  else if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
    problem = "is writable by others";
  else if (access(path, W_OK | X_OK) < 0)
    problem = "can't be written";
  if (problem == NULL)
    return TRUE;
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_ACCES, "%s: %s", path, problem);
  return FALSE;
}

static gboolean
check_existing(const char *path, GError **error)
{
  struct stat status;
  if (stat(path, &status) < 0)
    return wd_errno_error(error, path);
  return check_status(path, &status, error);
}

/* A missing directory is made in its nearest parent that exists. */
static gboolean
check_missing(const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname(path);
  struct stat status;
  /* A dangling link isn't replaced. */
  if (lstat(path, &status) == 0) {
    errno = ENOENT;
    return wd_errno_error(error, path);
  }
  if (stat(parent, &status) < 0)
    return errno == ENOENT ? check_missing(parent, error) : wd_errno_error(error, path);
  if (S_ISDIR(status.st_mode) && access(parent, W_OK | X_OK) == 0)
    return TRUE;
  errno = S_ISDIR(status.st_mode) ? errno : ENOTDIR;
  return wd_errno_error(error, path);
}

gboolean
wd_private_directory_check(const char *path, GError **error)
{
  g_autofree char *absolute = g_canonicalize_filename(path, NULL);
  struct stat status;
  if (stat(absolute, &status) == 0)
    return check_status(absolute, &status, error);
  return errno == ENOENT ? check_missing(absolute, error) : wd_errno_error(error, absolute);
}

/* --- claiming --- */

/* Somebody may have removed the directory, or its lock, since it was claimed. */
static gboolean
still_claimed(const WdPrivateDirectory *directory)
{
  return directory->lock_fd >= 0 && wd_is_same_file(directory->lock_fd, directory->lock_path);
}

static gboolean
lock(WdPrivateDirectory *directory, GError **error)
{
  const char *path = directory->lock_path;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0)
    return wd_errno_error(error, path);
  if (fcntl(fd, F_SETLK, &WHOLE) == 0) {
    g_atomic_int_set(&directory->lock_fd, fd);
    directory->claims++;
    return TRUE;
  }
  if (errno == EACCES || errno == EAGAIN)
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "%s: locked: another osquery-watchdogd, or an observing osquery-watchdog.ext, uses "
                "this directory",
                path);
  else
    wd_errno_error(error, path);
  close(fd);
  return FALSE;
}

gboolean
wd_private_directory_claim(WdPrivateDirectory *directory, GError **error)
{
  if (still_claimed(directory))
    return TRUE;
  release(directory);
  if (g_mkdir_with_parents(directory->path, 0700) < 0)
    return wd_errno_error(error, directory->path);
  return check_existing(directory->path, error) && lock(directory, error);
}

guint
wd_private_directory_claims(const WdPrivateDirectory *directory)
{
  return directory->claims;
}

gboolean
wd_private_directory_claimed(const WdPrivateDirectory *directory)
{
  return g_atomic_int_get(&directory->lock_fd) >= 0;
}

gboolean
wd_private_directory_is_claimed_by(const char *path, pid_t pid)
{
  g_autofree char *lock_path = lock_path_of(path);
  const int fd = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct flock present = WHOLE;
  if (fd < 0)
    return FALSE;
  const gboolean known = fcntl(fd, F_GETLK, &present) == 0;
  close(fd);
  return known && present.l_type != F_UNLCK && present.l_pid == pid;
}
