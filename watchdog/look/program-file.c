#include "watchdog/look/program-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watchdog/core/kernel/interpreter.h"
#include "watchdog/core/settings/permission.h"

char *
wd_program_file_find(const char *name, GError **error)
{
  if (strchr(name, '/') != NULL)
    return g_canonicalize_filename(name, NULL);
  g_autofree char *found = g_find_program_in_path(name);
  if (found != NULL)
    return g_canonicalize_filename(found, NULL);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
              "%s: no such program in PATH (a path to it has a slash)", name);
  return NULL;
}

gboolean
wd_program_file_check(const char *path, gboolean allow_unsafe, GError **error)
{
  struct stat file;
  struct stat directory;
  g_autofree char *parent = g_path_get_dirname(path);
  const gboolean has_file = stat(path, &file) == 0;
  /* For osquery, a name alone is in no directory, not in the working directory. */
  const gboolean has_directory = strchr(path, '/') != NULL && stat(parent, &directory) == 0;
  const char *fault = wd_permission_fault(
      has_file ? &file : NULL, has_directory ? &directory : NULL, geteuid(), allow_unsafe);
  if (fault == NULL)
    return TRUE;
  g_set_error(error, G_FILE_ERROR, has_file ? G_FILE_ERROR_ACCES : G_FILE_ERROR_NOENT, "%s %s",
              path, fault);
  return FALSE;
}

char *
wd_program_file_identity(const char *path)
{
  struct stat file;
  if (stat(path, &file) < 0)
    return NULL;
  return g_strdup_printf("%ju:%ju:%jd:%jd.%09ld", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino,
                         (intmax_t)file.st_size, (intmax_t)file.st_mtim.tv_sec,
                         file.st_mtim.tv_nsec);
}

/* FALSE: it can't be read, or is no script. */
static gboolean
read_interpreter(const char *path, char **interpreter)
{
  char head[WD_INTERPRETER_HEAD_SIZE];
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  const gssize length = fd >= 0 ? TEMP_FAILURE_RETRY(read(fd, head, sizeof head)) : -1;
  if (fd >= 0)
    close(fd);
  *interpreter = length > 0 ? wd_interpreter_parse(head, (gsize)length) : NULL;
  return *interpreter != NULL;
}

char *
wd_program_file_exec_error(const char *path, int error_number)
{
  const char *said = g_strerror(error_number);
  g_autofree char *interpreter = NULL;
  if (error_number != ENOENT || access(path, F_OK) != 0)
    return g_strdup(said);
  if (!read_interpreter(path, &interpreter))
    return g_strdup_printf("%s: the file exists, but the loader that it needs doesn't", said);
  if (g_str_has_suffix(interpreter, "\r"))
    return g_strdup_printf(
        "%s: the first line ends with a carriage return (CRLF), which the kernel "
        "takes for a part of the interpreter's name",
        said);
  return g_strdup_printf("%s: the interpreter in the first line doesn't exist: %s", said,
                         interpreter);
}
