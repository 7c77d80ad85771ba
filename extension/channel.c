#include "extension/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct ExtChannel {
  int fd; /* -1: nothing reads it any more */
};

ExtChannel *
ext_channel_new(const char *descriptor)
{
  gint64 fd;
  int type = 0;
  socklen_t length = sizeof type;
  if (descriptor == NULL ||
      !g_ascii_string_to_signed(descriptor, 10, STDERR_FILENO + 1, G_MAXINT, &fd, NULL) ||
      getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_SEQPACKET ||
      fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
    return NULL;
  ExtChannel *channel = g_new(ExtChannel, 1);
  channel->fd = (int)fd;
  return channel;
}

ExtSent
ext_channel_send(ExtChannel *channel, const WdReport *report)
{
  guint8 bytes[WD_REPORT_BYTES_MAX];
  if (channel->fd < 0)
    return EXT_SENT_TO_NOBODY;
  const gsize length = wd_report_encode(report, bytes);
  if (send(channel->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
    return EXT_SENT;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS)
    return EXT_SENT_LATER;
  close(channel->fd);
  channel->fd = -1;
  return EXT_SENT_TO_NOBODY;
}

void
ext_channel_free(ExtChannel *channel)
{
  if (channel == NULL)
    return;
  if (channel->fd >= 0)
    close(channel->fd);
  g_free(channel);
}
