#include "watchdog/look/text-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "watchdog/base/errno-error.h"

#define SIZE_MAX_BYTES (16u << 20)

static char *
refuse(GError **error, const char *path, const char *problem)
{
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: %s", path, problem);
  return NULL;
}

/* What one names to have no file at all, such as osquery's default flagfile. */
static gboolean
is_null_device(const struct stat *status)
{
  return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static char *
read_text(FILE *file, const char *path, gsize *length, GError **error)
{
  struct stat status;
  const gboolean known = fstat(fileno(file), &status) == 0;
  *length = 0;
  if (known && is_null_device(&status))
    return g_strdup("");
  if (!known || !S_ISREG(status.st_mode))
    return refuse(error, path, "is not a regular file");
  g_autoptr(GString) text = g_string_new(NULL);
  char block[8192];
  gsize n;
  while ((n = fread(block, 1, sizeof block, file)) > 0 && text->len <= SIZE_MAX_BYTES)
    g_string_append_len(text, block, (gssize)n);
  if (ferror(file)) {
    wd_errno_error(error, path);
    return NULL;
  }
  if (text->len > SIZE_MAX_BYTES)
    return refuse(error, path, "is larger than 16 MiB");
  *length = text->len;
  return g_string_free(g_steal_pointer(&text), FALSE);
}

char *
wd_text_file_read(const char *path, gsize *length, GError **error)
{
  /* Without O_NONBLOCK, opening a named pipe would wait for a writer. */
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
  if (file == NULL) {
    wd_errno_error(error, path);
    if (fd >= 0)
      close(fd);
    return NULL;
  }
  char *text = read_text(file, path, length, error);
  fclose(file);
  return text;
}
