#include "watchdog/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* A write of at most PIPE_BUF bytes to a pipe that polls writable does not block. */
static gboolean
has_room(int fd)
{
  struct pollfd room = {.fd = fd, .events = POLLOUT};
  return poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0;
}

void
wd_log(const char *text)
{
  char line[PIPE_BUF];
  gsize length = g_strlcpy(line, text, sizeof line - 1);
  length = MIN(length, sizeof line - 2);
  for (gsize i = 0; i < length; i++)
    if (g_ascii_iscntrl(line[i]))
      line[i] = ' ';
  line[length] = '\n';
  if (has_room(STDERR_FILENO)) {
    const gssize written = write(STDERR_FILENO, line, length + 1);
    (void)written; /* nowhere to tell it */
  }
}

void
wd_logf(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  wd_log(text);
}
