#include "watchdog/run/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"

int
wd_descriptors_open_null(int flags)
{
  const int fd = open("/dev/null", O_RDWR | flags);
  return fd >= 0 ? fd : open("/", O_PATH | flags);
}

gboolean
wd_descriptors_open_standard(GError **error)
{
  int fd;
  do
    fd = wd_descriptors_open_null(0); /* these three are for children, too */
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd < 0)
    return wd_errno_error(error, "/dev/null");
  close(fd);
  return TRUE;
}

void
wd_descriptors_keep_from_children(void)
{
  g_autoptr(GDir) entries = g_dir_open("/proc/self/fd", 0, NULL);
  if (entries == NULL)
    return;
  for (const char *name = g_dir_read_name(entries); name != NULL; name = g_dir_read_name(entries)) {
    gint64 fd;
    if (g_ascii_string_to_signed(name, 10, STDERR_FILENO + 1, G_MAXINT, &fd, NULL))
      (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
  }
}
