#include "watchdog/channel.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#include "watchdog/errno-error.h"
#include "watchdog/log.h"

/* How many are read before others get their turn; whoever sends as many at once has to wait. */
#define AT_ONCE 8
#define PAUSE_MS 1000

struct WdChannel {
  int fd;
  guint source; /* that listens, or waits for the end of a pause; 0: the other end is closed */
  gboolean complained;
  void (*observed)(WdObservation *observation, gpointer user_data);
  gpointer user_data;
};

gboolean
wd_channel_pair(int *ours, int *theirs, GError **error)
{
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
    return wd_errno_error(error, "socketpair");
  }
  *ours = pair[0];
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

typedef enum {
  READ_SOMETHING,
  READ_NOTHING,
  READ_END,
} ReadResult;

static ReadResult
read_one(WdChannel *channel)
{
  guint8 bytes[WD_OBSERVATION_BYTES_MAX];
  WdObservation observation;
  /* The true length, also of what is longer than the room for it. */
  const gssize length = recv(channel->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);
  if (length < 0 && errno == EINTR)
    return READ_SOMETHING;
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return READ_NOTHING;
  if (length <= 0)
    return READ_END;
  if ((gsize)length <= sizeof bytes && wd_observation_decode(bytes, (gsize)length, &observation))
    channel->observed(&observation, channel->user_data);
  else
    refuse(channel);
  return READ_SOMETHING;
}

static void listen_to(WdChannel *channel);

static gboolean
on_pause_over(gpointer data)
{
  listen_to(data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  (void)fd;
  (void)condition;
  WdChannel *channel = data;
  for (guint i = 0; i < AT_ONCE; i++) {
    switch (read_one(channel)) {
    case READ_SOMETHING:
      break;
    case READ_NOTHING:
      return G_SOURCE_CONTINUE;
    case READ_END:
      channel->source = 0;
      return G_SOURCE_REMOVE;
    }
  }
  channel->source = g_timeout_add(PAUSE_MS, on_pause_over, channel);
  return G_SOURCE_REMOVE;
}

static void
listen_to(WdChannel *channel)
{
  channel->source = g_unix_fd_add(channel->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, channel);
}

WdChannel *
wd_channel_new(int fd, void (*observed)(WdObservation *observation, gpointer user_data),
               gpointer user_data)
{
  WdChannel *channel = g_new0(WdChannel, 1);
  channel->fd = fd;
  channel->observed = observed;
  channel->user_data = user_data;
  listen_to(channel);
  return channel;
}

void
wd_channel_free(WdChannel *channel)
{
  if (channel == NULL)
    return;
  g_clear_handle_id(&channel->source, g_source_remove);
  close(channel->fd);
  g_free(channel);
}
