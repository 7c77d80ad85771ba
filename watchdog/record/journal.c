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

/* A value of several lines, or of any bytes: "NAME\n", its length in 64 little-endian bits, the
 * value, "\n". */
static void
append_bytes(GByteArray *datagram, const char *name, gsize name_length, const char *value,
             gsize length)
{
  const guint64 size = GUINT64_TO_LE((guint64)length);
  g_byte_array_append(datagram, (const guint8 *)name, (guint)name_length);
  g_byte_array_append(datagram, (const guint8 *)"\n", 1);
  g_byte_array_append(datagram, (const guint8 *)&size, sizeof size);
  g_byte_array_append(datagram, (const guint8 *)value, (guint)length);
  g_byte_array_append(datagram, (const guint8 *)"\n", 1);
}

/* "NAME=VALUE\n", if the value is one line. */
static void
append_field(GByteArray *datagram, const char *field)
{
  const char *equals = strchr(field, '=');
  if (strchr(field, '\n') == NULL || equals == NULL) {
    g_byte_array_append(datagram, (const guint8 *)field, (guint)strlen(field));
    g_byte_array_append(datagram, (const guint8 *)"\n", 1);
  } else {
    append_bytes(datagram, field, (gsize)(equals - field), equals + 1, strlen(equals + 1));
  }
}

/* @flags: of socket(). */
static gboolean
send_datagram(const GByteArray *datagram, int flags)
{
  static const struct sockaddr_un address = {
      .sun_family = AF_UNIX,
      .sun_path = "/run/systemd/journal/socket",
  };
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0)
    return FALSE;
  const gssize sent = TEMP_FAILURE_RETRY(sendto(fd, datagram->data, datagram->len, MSG_NOSIGNAL,
                                                (const struct sockaddr *)&address, sizeof address));
  close(fd);
  return sent >= 0;
}

GByteArray *
wd_journal_encode(const char *const *fields)
{
  GByteArray *datagram = g_byte_array_new();
  for (gsize i = 0; fields[i] != NULL; i++)
    append_field(datagram, fields[i]);
  return datagram;
}

void
wd_journal_send(const char *const *fields)
{
  g_autoptr(GByteArray) datagram = wd_journal_encode(fields);
  (void)send_datagram(datagram, SOCK_NONBLOCK); /* there is nowhere to report it */
}

gboolean
wd_journal_send_line(const GByteArray *encoded, int priority, const char *line, gsize length)
{
  g_autoptr(GByteArray) datagram = g_byte_array_new();
  g_autofree char *field = g_strdup_printf("PRIORITY=%d", priority);
  g_byte_array_append(datagram, encoded->data, encoded->len);
  append_field(datagram, field);
  append_bytes(datagram, "MESSAGE", strlen("MESSAGE"), line, length);
  return send_datagram(datagram, 0);
}
