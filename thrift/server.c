#include "thrift/server.h"

#include <sys/resource.h>

#include "thrift/connection.h"
#include "thrift/listener.h"

/* How many connections are accepted before other sources have their turn. */
#define ACCEPTS_AT_ONCE 16
/* The pause after an accept that failed for lack of resources. The listener stays readable, so the
 * loop would spin without it. */
#define ACCEPT_PAUSE_MS 100

struct WireServer {
  WireListener *listener;
  GSource *accepting; /* waits for connections, or for the end of a pause */
  GSource *sweep;     /* only while there are connections */
  WireConnections connections;
};

static void
drop_source(GSource *source)
{
  g_source_destroy(source);
  g_source_unref(source);
}

static gboolean
on_sweep(gpointer user_data)
{
  WireServer *server = user_data;
  const gint64 now_us = g_get_monotonic_time();
  GList *next;
  for (GList *link = server->connections.queue.head; link != NULL; link = next) {
    next = link->next;
    if (now_us >= wire_connection_deadline_us(link->data))
      wire_connection_close(link->data);
  }
  if (server->connections.queue.length > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer(&server->sweep, g_source_unref);
  return G_SOURCE_REMOVE;
}

/* Closes the connection without progress for longest, except one whose slice is being made. */
static void
make_room(WireConnections *connections)
{
  GList *longest = connections->queue.head;
  if (longest->data == connections->maker)
    longest = longest->next;
  wire_connection_close(longest->data);
}

static void
take_in(WireServer *server, GSocket *socket)
{
  WireConnections *connections = &server->connections;
  wire_connection_new(connections, socket);
  if (connections->queue.length > connections->limits.connections)
    make_room(connections);
  if (server->sweep == NULL) {
    server->sweep = g_timeout_source_new_seconds(1);
    g_source_set_callback(server->sweep, on_sweep, server, NULL);
    g_source_attach(server->sweep, connections->context);
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
  g_clear_pointer(&server->accepting, drop_source);
  server->accepting = source;
  g_source_attach(source, server->connections.context);
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

/* A quarter of our descriptors; the rest is for files, databases and our own calls. */
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
  server->connections = (WireConnections){
      .context = g_main_context_ref(context != NULL ? context : g_main_context_default()),
      .handler = handler,
      .user_data = user_data,
      .limits = {.connections = connections_max(),
                 .idle_us = 60 * G_TIME_SPAN_SECOND,
                 .request_us = 10 * G_TIME_SPAN_SECOND,
                 .reply_us = 30 * G_TIME_SPAN_SECOND,
                 .rests = 4},
  };
  accept_from_now(server);
  return server;
}

void
wire_server_set_limits(WireServer *server, const WireLimits *limits)
{
  server->connections.limits = *limits;
}

void
wire_server_breathe(WireServer *server)
{
  WireConnections *connections = &server->connections;
  if (connections->maker == NULL)
    return;
  /* Polled here, because the main context would dispatch everything else as well. */
  g_autoptr(GArray) polls = g_array_new(FALSE, FALSE, sizeof(GPollFD));
  g_autoptr(GPtrArray) polled = g_ptr_array_new();
  for (GList *link = connections->queue.head; link != NULL; link = link->next) {
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
      /* A turn may have closed another connection. */
      if (poll->revents != 0 && g_queue_find(&connections->queue, polled->pdata[i]) != NULL)
        (void)wire_connection_turn(polled->pdata[i], (GIOCondition)poll->revents);
    }
  (void)on_waiting(NULL, G_IO_IN, server);
}

gboolean
wire_server_busy(const WireServer *server)
{
  return server->connections.pending_bytes > 0 || server->connections.rests.length > 0;
}

void
wire_server_free(WireServer *server)
{
  if (server == NULL)
    return;
  g_clear_pointer(&server->accepting, drop_source);
  while (server->connections.queue.head != NULL)
    wire_connection_close(server->connections.queue.head->data);
  g_clear_pointer(&server->connections.making, drop_source);
  g_clear_pointer(&server->sweep, drop_source);
  wire_listener_free(server->listener);
  g_main_context_unref(server->connections.context);
  g_free(server);
}
