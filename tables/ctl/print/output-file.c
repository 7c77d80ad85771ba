#include "tables/ctl/print/output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static gboolean
write_all(int fd, const char *text, gsize length)
{
  while (length > 0) {
    const gssize written = write(fd, text, length);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return FALSE;
    text += written;
    length -= (gsize)written;
  }
  return fsync(fd) == 0;
}

gboolean
ctl_output_file(const char *path, const char *text, gsize length, GError **error)
{
  g_autofree char *directory = g_path_get_dirname(path);
  g_autofree char *name = g_path_get_basename(path);
  g_autofree char *hidden = g_strdup_printf(".%s.XXXXXX", name);
  g_autofree char *temporary = g_build_filename(directory, hidden, NULL);
  const int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600); /* never follows a link */
  gboolean done = fd >= 0 && write_all(fd, text, length);
  int problem = errno;
  if (fd >= 0 && close(fd) < 0 && done) {
    done = FALSE;
    problem = errno;
  }
  if (done && rename(temporary, path) < 0) {
    done = FALSE;
    problem = errno;
  }
  if (done)
    return TRUE;
  if (fd >= 0)
    (void)unlink(temporary); /* the first fault is the one to report */
  g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(problem),
              "%s: cannot be written: %s", path, g_strerror(problem));
  return FALSE;
}
