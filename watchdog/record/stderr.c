#include "watchdog/record/stderr.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* A pipe that polls writable takes so much at once, unless another thread is faster. It can't be
 * made non-blocking, because others share it. */
static GMutex mutex;

static gssize
write_if_room(const char *bytes, gsize length)
{
  struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0)
    return write(STDERR_FILENO, bytes, length);
  errno = room.revents == 0 ? EAGAIN : EIO;
  return -1;
}

gssize
wd_stderr_write(const char *bytes, gsize length)
{
  g_mutex_lock(&mutex);
  const gssize written = write_if_room(bytes, length);
  const int saved = errno;
  g_mutex_unlock(&mutex);
  errno = saved;
  return written;
}
