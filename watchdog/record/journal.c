#include "watchdog/record/journal.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

gboolean
wd_journal_has_stderr(void)
{
  struct stat status;
  const char *stream = g_getenv("JOURNAL_STREAM");
  if (stream == NULL || fstat(STDERR_FILENO, &status) < 0)
    return FALSE;
  /* DEVICE:INODE. The variable may be inherited from a process with another stderr. */
  g_autofree char *ours = g_strdup_printf("%llu:%llu", (unsigned long long)status.st_dev,
                                          (unsigned long long)status.st_ino);
  return strcmp(stream, ours) == 0;
}

/* "NAME=VALUE\n". A value of several lines is written as "NAME\n", its length in 64 little-endian
 * bits, the value, "\n". */
static void
append_field(GByteArray *datagram, const char *field)
{
  const char *equals = strchr(field, '=');
  const guint length = (guint)strlen(field);
  if (strchr(field, '\n') == NULL || equals == NULL) {
    g_byte_array_append(datagram, (const guint8 *)field, length);
  } else {
    const guint name_length = (guint)(equals - field);
    const guint value_length = length - name_length - 1;
    const guint64 size = GUINT64_TO_LE((guint64)value_length);
    g_byte_array_append(datagram, (const guint8 *)field, name_length);
    g_byte_array_append(datagram, (const guint8 *)"\n", 1);
    g_byte_array_append(datagram, (const guint8 *)&size, sizeof size);
    g_byte_array_append(datagram, (const guint8 *)equals + 1, value_length);
  }
  g_byte_array_append(datagram, (const guint8 *)"\n", 1);
}

void
wd_journal_send(const char *const *fields)
{
  static const struct sockaddr_un address = {
      .sun_family = AF_UNIX,
      .sun_path = "/run/systemd/journal/socket",
  };
  g_autoptr(GByteArray) datagram = g_byte_array_new();
  for (gsize i = 0; fields[i] != NULL; i++)
    append_field(datagram, fields[i]);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return;
  const gssize sent = sendto(fd, datagram->data, datagram->len, MSG_NOSIGNAL,
                             (const struct sockaddr *)&address, sizeof address);
  (void)sent; /* there is nowhere to report it */
  close(fd);
}
