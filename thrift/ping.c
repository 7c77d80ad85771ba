#include "thrift/ping.h"

#include "thrift/exchange.h"
#include "thrift/socket.h"

/* For connecting to one peer, because a local socket with room in its backlog accepts at once. */
#define CONNECT_US (20 * G_TIME_SPAN_MILLISECOND)
/* The reply to a ping is a short status. */
#define REPLY_BYTES_MAX 4096

typedef struct {
  GSocket *socket; /* NULL: the ping is over */
  GByteArray *reply;
  WireWalk walk; /* through @reply */
} Ping;

void
wire_pinged_clear(WirePinged *pinged)
{
  g_free(pinged->path);
}

static void
ping_clear(gpointer data)
{
  Ping *ping = data;
  g_clear_object(&ping->socket);
  g_clear_pointer(&ping->reply, g_byte_array_unref);
}

static void
ping_begin(Ping *ping, WirePinged *pinged, const GByteArray *call, gint64 deadline_us,
           GCancellable *cancellable)
{
  if (pinged->path == NULL)
    return;
  const gint64 connect_us = MIN(g_get_monotonic_time() + CONNECT_US, deadline_us);
  g_autoptr(GSocket) socket = wire_connect(pinged->path, connect_us, cancellable, NULL);
  if (socket == NULL)
    return;
  pinged->pid = wire_socket_peer_pid(socket);
  if (!wire_send(socket, call->data, call->len, connect_us, cancellable, NULL))
    return;
  ping->socket = g_steal_pointer(&socket);
  ping->reply = g_byte_array_new();
  wire_walk_begin(&ping->walk, WIRE_FROM_SERVER);
}

static WireVerdict
ping_receive(Ping *ping)
{
  const guint before = ping->reply->len;
  g_byte_array_set_size(ping->reply, REPLY_BYTES_MAX);
  const gssize got = g_socket_receive(ping->socket, (char *)ping->reply->data + before,
                                      REPLY_BYTES_MAX - before, NULL, NULL);
  g_byte_array_set_size(ping->reply, before + (guint)MAX(got, 0));
  if (got <= 0)
    return WIRE_INVALID;
  const WireVerdict verdict = wire_walk_on(&ping->walk, ping->reply->data, ping->reply->len);
  return ping->reply->len == REPLY_BYTES_MAX && verdict == WIRE_INCOMPLETE ? WIRE_INVALID : verdict;
}

static gboolean
is_good(const Ping *ping)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  g_autoptr(GObject) status = g_object_new(WIRE_TYPE_EXTENSION_STATUS, NULL);
  WireExtensionStatus *filled = WIRE_EXTENSION_STATUS(status);
  g_byte_array_append(exchange->reply, ping->reply->data, ping->reply->len);
  return wire_exchange_take(exchange, &ping->walk.message, "ping", NULL) &&
         wire_extension_client_recv_ping(WIRE_EXTENSION_IF(exchange->client), &filled,
                                         &exchange->failure) &&
         wire_check_status(filled, NULL);
}

/* Waits until any of them has bytes. Returns: FALSE at the deadline, or when cancelled. */
static gboolean
wait_for_any(GArray *pings, GArray *polls, gint64 deadline_us, GCancellable *cancellable)
{
  const gint64 left_us = deadline_us - g_get_monotonic_time();
  if (left_us <= 0)
    return FALSE;
  g_array_set_size(polls, 0);
  for (guint i = 0; i < pings->len; i++) {
    const Ping *ping = &g_array_index(pings, Ping, i);
    const GPollFD poll = {.fd = ping->socket != NULL ? g_socket_get_fd(ping->socket) : -1,
                          .events = G_IO_IN};
    g_array_append_val(polls, poll);
  }
  GPollFD stop = {.fd = -1};
  const gboolean stoppable = g_cancellable_make_pollfd(cancellable, &stop);
  g_array_append_val(polls, stop);
  const gint ready =
      g_poll((GPollFD *)(void *)polls->data, polls->len, (gint)((left_us + 999) / 1000));
  if (stoppable)
    g_cancellable_release_fd(cancellable);
  return ready > 0 && !g_cancellable_is_cancelled(cancellable);
}

void
wire_ping_all(GArray *pinged, gint64 deadline_us, GCancellable *cancellable)
{
  g_autoptr(WireExchange) first = wire_exchange_new();
  if (!wire_extension_client_send_ping(WIRE_EXTENSION_IF(first->client), &first->failure))
    return;
  g_autoptr(GArray) pings = g_array_new(FALSE, TRUE, sizeof(Ping));
  g_array_set_clear_func(pings, ping_clear);
  g_array_set_size(pings, pinged->len);
  g_autoptr(GArray) polls = g_array_new(FALSE, FALSE, sizeof(GPollFD));
  guint left = 0;
  for (guint i = 0; i < pinged->len; i++) {
    Ping *ping = &g_array_index(pings, Ping, i);
    ping_begin(ping, &g_array_index(pinged, WirePinged, i), first->call, deadline_us, cancellable);
    left += ping->socket != NULL;
  }
  while (left > 0 && wait_for_any(pings, polls, deadline_us, cancellable)) {
    for (guint i = 0; i < pings->len; i++) {
      Ping *ping = &g_array_index(pings, Ping, i);
      if (ping->socket == NULL || g_array_index(polls, GPollFD, i).revents == 0)
        continue;
      const WireVerdict verdict = ping_receive(ping);
      if (verdict == WIRE_INCOMPLETE)
        continue;
      g_array_index(pinged, WirePinged, i).responded = verdict == WIRE_COMPLETE && is_good(ping);
      g_clear_object(&ping->socket);
      left--;
    }
  }
}
