#include "extension/log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK "osqueryd.INFO"
#define NAME_BYTES 256
/* The clocks of a file system and of processes are coarse. */
#define CLOCKS_US (1 * G_TIME_SPAN_SECOND)

struct ExtLogFile {
  gint64 pid;
  gint64 started_us;
  int fd; /* -1: none yet */
  gint64 offset;
  gboolean within_line; /* the next bytes belong to a line whose beginning is missing */
};

ExtLogFile *
ext_log_file_new(gint64 pid, gint64 started_us)
{
  ExtLogFile *file = g_new0(ExtLogFile, 1);
  file->pid = pid;
  file->started_us = started_us;
  file->fd = -1;
  return file;
}

void
ext_log_file_free(ExtLogFile *file)
{
  if (file == NULL)
    return;
  if (file->fd >= 0)
    close(file->fd);
  g_free(file);
}

/* --- which file --- */

/* The name of the file that the link in @directory shows, if it is of that process. */
static gboolean
read_name(const ExtLogFile *file, int directory, char name[NAME_BYTES])
{
  const gssize length = readlinkat(directory, LINK, name, NAME_BYTES);
  if (length <= 0 || length == NAME_BYTES)
    return FALSE;
  name[length] = '\0';
  g_autofree char *suffix = g_strdup_printf(".%" G_GINT64_FORMAT, file->pid);
  return strchr(name, '/') == NULL && g_str_has_suffix(name, suffix);
}

/* The name may be an earlier process's that had the same pid. */
static gboolean
is_written_since_start(const ExtLogFile *file, const struct stat *status)
{
  const gint64 written_us =
      (gint64)status->st_mtim.tv_sec * G_USEC_PER_SEC + status->st_mtim.tv_nsec / 1000;
  const gint64 age_us = g_get_monotonic_time() - file->started_us;
  return g_get_real_time() - written_us <= age_us + CLOCKS_US;
}

static gboolean
is_credible(const ExtLogFile *file, const struct stat *status)
{
  return S_ISREG(status->st_mode) && (status->st_uid == 0 || status->st_uid == geteuid()) &&
         is_written_since_start(file, status);
}

/* Returns: -1: there is none. */
static int
open_named(const ExtLogFile *file, const char *path, struct stat *status)
{
  char name[NAME_BYTES];
  int fd = -1;
  const int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return -1;
  if (read_name(file, directory, name))
    fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
  close(directory);
  if (fd < 0 || (fstat(fd, status) == 0 && is_credible(file, status)))
    return fd;
  close(fd);
  return -1;
}

/* --- reading --- */

static void
begin(ExtLogFile *file, const struct stat *status, gboolean *lost)
{
  file->offset = MAX((gint64)status->st_size - EXT_LOG_FILE_TAIL_BYTES, 0);
  file->within_line = file->offset > 0;
  *lost = TRUE;
}

static gboolean
is_same(const struct stat *one, const struct stat *other)
{
  return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static gboolean
open_present(ExtLogFile *file, const char *directory, gboolean *lost)
{
  struct stat present, named;
  const gboolean open = file->fd >= 0 && fstat(file->fd, &present) == 0;
  const int fd = open_named(file, directory, &named);
  if (fd < 0)
    return open;
  if (open && is_same(&present, &named)) {
    close(fd);
    return TRUE;
  }
  if (file->fd >= 0)
    close(file->fd);
  file->fd = fd;
  begin(file, &named, lost);
  return TRUE;
}

/* Drops what is left of a line whose beginning is missing. @from: where the new bytes begin. */
static void
drop_rest_of_line(ExtLogFile *file, GByteArray *bytes, guint from)
{
  const guint length = bytes->len - from;
  const guint8 *end = length > 0 ? memchr(bytes->data + from, '\n', length) : NULL;
  if (!file->within_line)
    return;
  g_byte_array_remove_range(bytes, from,
                            end != NULL ? (guint)(end + 1 - (bytes->data + from)) : length);
  file->within_line = end == NULL;
}

static void
read_to(ExtLogFile *file, gint64 size, GByteArray *bytes)
{
  guint8 block[4096];
  while (file->offset < size) {
    const gsize wanted = (gsize)MIN(size - file->offset, (gint64)sizeof block);
    const gssize n = TEMP_FAILURE_RETRY(pread(file->fd, block, wanted, file->offset));
    if (n <= 0)
      return;
    g_byte_array_append(bytes, block, (guint)n);
    file->offset += n;
  }
}

gboolean
ext_log_file_look(ExtLogFile *file, const char *directory, GByteArray *bytes, gboolean *lost)
{
  struct stat status;
  const guint from = bytes->len;
  if (!open_present(file, directory, lost) || fstat(file->fd, &status) != 0)
    return FALSE;
  /* Cut short by somebody, or grown faster than anyone could read it. */
  if (status.st_size < file->offset || status.st_size - file->offset > EXT_LOG_FILE_LOOK_BYTES)
    begin(file, &status, lost);
  read_to(file, status.st_size, bytes);
  drop_rest_of_line(file, bytes, from);
  return TRUE;
}
