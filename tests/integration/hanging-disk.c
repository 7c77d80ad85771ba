/* Loaded before a program's own libraries: a disk that hangs under its history, for as long as the
 * file exists that HISTORY_HANGS_WHILE names; or under an osqueryd's log that it reads, for as long
 * as that of LOG_HANGS_WHILE exists. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
is_file(int fd, const char *name)
{
  char link[32], path[PATH_MAX];
  (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  return strstr(path, name) != NULL;
}

static void
wait_for_the_disk(int fd, const char *name, const char *hangs)
{
  while (hangs != NULL && is_file(fd, name) && access(hangs, F_OK) == 0)
    (void)usleep(10000);
}

int
fsync(int fd)
{
  wait_for_the_disk(fd, "/history.db", getenv("HISTORY_HANGS_WHILE"));
  return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
  wait_for_the_disk(fd, "/history.db", getenv("HISTORY_HANGS_WHILE"));
  return (int)syscall(SYS_fdatasync, fd);
}

ssize_t
pread(int fd, void *bytes, size_t length, off_t offset)
{
  wait_for_the_disk(fd, "/osqueryd.INFO", getenv("LOG_HANGS_WHILE"));
  return syscall(SYS_pread64, fd, bytes, length, offset);
}
