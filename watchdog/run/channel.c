#include "watchdog/run/channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/record/log.h"

/* A worker's start may bring a burst: a report for each query that it denylists. */
#define AT_ONCE 64

gboolean
wd_channel_open(WdChannel *channel, int *theirs, GError **error)
{
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
    return wd_errno_error(error, "socketpair");
  *channel = (WdChannel){.fd = pair[0]};
  *theirs = pair[1];
  return TRUE;
}

static void
refuse(WdChannel *channel)
{
  if (!channel->complained)
    wd_log("the tables extension says what cannot be understood: is it of another version?");
  channel->complained = TRUE;
}

void
wd_channel_read(WdChannel *channel, void (*reported)(WdReport *report, gpointer user_data),
                gpointer user_data)
{
  for (guint i = 0; i < AT_ONCE && channel->fd >= 0; i++) {
    guint8 bytes[WD_REPORT_BYTES_MAX];
    WdReport report;
    /* MSG_TRUNC: the true length, even of a message that is longer than the buffer. */
    const gssize length = recv(channel->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0 && errno == EINTR)
      continue;
    if (length <= 0)
      return; /* nothing to read, or the other end is closed */
    if ((gsize)length <= sizeof bytes && wd_report_decode(bytes, (gsize)length, &report))
      reported(&report, user_data);
    else
      refuse(channel);
  }
}

void
wd_channel_close(WdChannel *channel)
{
  if (channel->fd >= 0)
    close(channel->fd);
  *channel = WD_CHANNEL_NONE;
}
