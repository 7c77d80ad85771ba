#include "thrift/server.h"

#include <sys/resource.h>

#include "thrift/connection.h"

/* How many are accepted before others get their turn. */
#define ACCEPTS_AT_ONCE 16
/* After an accept that failed for want of something: the listener stays readable, the loop would
 * spin. */
#define ACCEPT_PAUSE_MS 100

static gboolean
on_sweep(gpointer user_data)
{
  WireServer *server = user_data;
  const gint64 now_us = g_get_monotonic_time();
  GList *next;
  for (GList *link = server->connections.head; link != NULL; link = next) {
    next = link->next;
    if (now_us >= wire_connection_deadline(link->data))
      wire_connection_close(link->data);
  }
  if (server->connections.length > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer(&server->sweep, g_source_unref);
  return G_SOURCE_REMOVE;
}

/* Who had no progress for longest makes room; but not the one that waits for us right now. */
static void
make_room(WireServer *server)
{
  GList *longest = server->connections.head;
  if (longest->data == server->maker)
    longest = longest->next;
  wire_connection_close(longest->data);
}

static void
take_in(WireServer *server, GSocket *socket)
{
  wire_connection_new(server, socket);
  if (server->connections.length > server->limits.connections)
    make_room(server);
  if (server->sweep == NULL) {
    server->sweep = g_timeout_source_new_seconds(1);
    g_source_set_callback(server->sweep, on_sweep, server, NULL);
    g_source_attach(server->sweep, server->context);
  }
}

static void accept_from_now(WireServer *server);

static gboolean
on_pause_over(gpointer user_data)
{
  accept_from_now(user_data);
  return G_SOURCE_REMOVE;
}

static void
replace_accepting(WireServer *server, GSource *source)
{
  if (server->accepting != NULL) {
    g_source_destroy(server->accepting);
    g_source_unref(server->accepting);
  }
  server->accepting = source;
  if (source != NULL)
    g_source_attach(source, server->context);
}

static gboolean
on_waiting(GSocket *socket, GIOCondition condition, gpointer user_data)
{
  (void)socket;
  (void)condition;
  WireServer *server = user_data;
  for (guint i = 0; i < ACCEPTS_AT_ONCE; i++) {
    g_autoptr(GError) error = NULL;
    GSocket *peer = wire_listener_accept(server->listener, &error);
    if (peer != NULL) {
      take_in(server, peer);
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      break;
    } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)) {
      GSource *pause = g_timeout_source_new(ACCEPT_PAUSE_MS);
      g_source_set_callback(pause, on_pause_over, server, NULL);
      replace_accepting(server, pause);
      return G_SOURCE_REMOVE;
    }
  }
  return G_SOURCE_CONTINUE;
}

static void
accept_from_now(WireServer *server)
{
  GSource *waiting = g_socket_create_source(wire_listener_socket(server->listener), G_IO_IN, NULL);
  g_source_set_callback(waiting, G_SOURCE_FUNC(on_waiting), server, NULL);
  replace_accepting(server, waiting);
}

/* A quarter of the descriptors we may have: the rest is for files, databases and calls of our own.
 */
static guint
connections_max(void)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 64;
  return (guint)CLAMP(limit.rlim_cur / 4, 8, 256);
}

WireServer *
wire_server_new(const char *path, GMainContext *context, WireHandler handler, gpointer user_data,
                GError **error)
{
  g_autoptr(WireListener) listener = wire_listener_new(path, error);
  if (listener == NULL)
    return NULL;
  WireServer *server = g_new0(WireServer, 1);
  server->listener = g_steal_pointer(&listener);
  server->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
  server->handler = handler;
  server->user_data = user_data;
  server->limits = (WireServerLimits){
      .connections = connections_max(),
      .idle_us = 60 * G_TIME_SPAN_SECOND,
      .request_us = 10 * G_TIME_SPAN_SECOND,
      .reply_us = 30 * G_TIME_SPAN_SECOND,
      .rests = 4,
  };
  accept_from_now(server);
  return server;
}

void
wire_server_set_limits(WireServer *server, const WireServerLimits *limits)
{
  server->limits = *limits;
}

void
wire_server_breathe(WireServer *server)
{
  if (server->maker == NULL)
    return;
  /* Polled here and not by the main context, which would let everything else happen as well. */
  g_autoptr(GArray) polls = g_array_new(FALSE, FALSE, sizeof(GPollFD));
  g_autoptr(GPtrArray) polled = g_ptr_array_new();
  for (GList *link = server->connections.head; link != NULL; link = link->next) {
    WireConnection *connection = link->data;
    if (connection->rest.next != NULL)
      continue;
    const GPollFD poll = {.fd = g_socket_get_fd(connection->socket),
                          .events = connection->reply != NULL ? G_IO_OUT : G_IO_IN};
    g_array_append_val(polls, poll);
    g_ptr_array_add(polled, connection);
  }
  if (g_poll((GPollFD *)(void *)polls->data, polls->len, 0) > 0)
    for (guint i = 0; i < polled->len; i++) {
      const GPollFD *poll = &g_array_index(polls, GPollFD, i);
      /* One that was closed meanwhile, for want of room, isn't there any more. */
      if (poll->revents != 0 && g_queue_find(&server->connections, polled->pdata[i]) != NULL)
        (void)wire_connection_turn(polled->pdata[i], (GIOCondition)poll->revents);
    }
  (void)on_waiting(NULL, G_IO_IN, server);
}

const char *
wire_server_path(const WireServer *server)
{
  return wire_listener_path(server->listener);
}

gboolean
wire_server_busy(const WireServer *server)
{
  return server->pending_bytes > 0 || server->rests.length > 0;
}

void
wire_server_free(WireServer *server)
{
  if (server == NULL)
    return;
  replace_accepting(server, NULL);
  while (server->connections.head != NULL)
    wire_connection_close(server->connections.head->data);
  if (server->making != NULL)
    g_source_destroy(server->making);
  g_clear_pointer(&server->making, g_source_unref);
  if (server->sweep != NULL)
    g_source_destroy(server->sweep);
  g_clear_pointer(&server->sweep, g_source_unref);
  wire_listener_free(server->listener);
  g_main_context_unref(server->context);
  g_free(server);
}
