#include "watchdog/look/text-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (1u << 20)

static char *
fail(GError **error, const char *path, int error_number)
{
  g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(error_number), "%s: %s", path,
              g_strerror(error_number));
  return NULL;
}

static char *
refuse(GError **error, const char *path, const char *problem)
{
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: %s", path, problem);
  return NULL;
}

/* Up to @size bytes; -1 with errno. */
static gssize
read_whole(int fd, char *text, gsize size)
{
  gsize length = 0;
  while (length < size) {
    const gssize n = read(fd, text + length, size - length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    if (n == 0)
      break;
    length += (gsize)n;
  }
  return (gssize)length;
}

char *
wd_text_file_read(const char *path, GError **error)
{
  struct stat status;
  /* Without O_NONBLOCK a named pipe would keep us waiting for a writer. */
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return fail(error, path, errno);
  g_autofree char *text = g_malloc(SIZE_MAX_BYTES + 2);
  gssize length = -1;
  const gboolean regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (regular)
    length = read_whole(fd, text, SIZE_MAX_BYTES + 1);
  const int saved = errno;
  close(fd);
  if (!regular)
    return refuse(error, path, "is not a regular file");
  if (length < 0)
    return fail(error, path, saved);
  if (length > (gssize)SIZE_MAX_BYTES)
    return refuse(error, path, "is larger than 1 MiB");
  if (memchr(text, '\0', (gsize)length) != NULL)
    return refuse(error, path, "is not a text file: it has a NUL byte");
  return g_strndup(text, (gsize)length);
}
