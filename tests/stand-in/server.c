#include "tests/stand-in/server.h"

#include <unistd.h>

#include "thrift/listener.h"
#include "thrift/socket.h"

#define CONNECTIONS_MAX 1000
#define ACCEPT_PAUSE_US 50000
/* Of osquery's ExtensionRunnerCore, cut by the kernel; Thrift's threads inherit it. */
#define THREAD_NAME "ExtensionRunner"
/* "For ever", in a form that a timed wait can take. */
#define IDLE_US (24 * G_TIME_SPAN_HOUR)

struct StandServer {
  const StandMisbehaviour *misbehaviour;
  StandHandler handler;
  gpointer user_data;
  WireListener *listener;
  GThread *acceptor;
  GCancellable *stopping;
  GMutex lock;
  GCond changed;
  guint connections; /* threads that serve one */
};

typedef struct {
  StandServer *server;
  GSocket *socket;
} Connection;

static void
hang_if_asked(const StandServer *server)
{
  while (g_atomic_int_get(&server->misbehaviour->hang))
    (void)pause(); /* no signal reaches this thread: it ends with the process */
}

/* Returns: FALSE when the connection is over. */
static gboolean
serve_one(const Connection *connection, GByteArray *bytes)
{
  const StandServer *server = connection->server;
  WireMessage message;
  if (!wire_receive(connection->socket, WIRE_FROM_CLIENT, g_get_monotonic_time() + IDLE_US,
                    server->stopping, bytes, &message, NULL))
    return FALSE;
  hang_if_asked(server);
  g_autoptr(GByteArray) reply = g_byte_array_new();
  server->handler(&message, bytes->data, reply, server->user_data);
  hang_if_asked(server);
  g_byte_array_remove_range(bytes, 0, (guint)message.size);
  return message.oneway || wire_send(connection->socket, reply->data, reply->len,
                                     g_get_monotonic_time() + IDLE_US, NULL, NULL);
}

static void
connection_free(Connection *connection)
{
  g_object_unref(connection->socket);
  g_free(connection);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Connection, connection_free)

static gpointer
serve(gpointer data)
{
  Connection *connection = data;
  StandServer *server = connection->server;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  while (serve_one(connection, bytes))
    ;
  connection_free(connection);
  g_mutex_lock(&server->lock);
  server->connections--;
  g_cond_broadcast(&server->changed);
  g_mutex_unlock(&server->lock);
  return NULL;
}

static void
begin_to_serve(StandServer *server, GSocket *socket)
{
  g_autoptr(Connection) connection = g_new(Connection, 1);
  *connection = (Connection){server, g_object_ref(socket)};
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&server->lock);
  if (server->connections >= CONNECTIONS_MAX)
    return;
  GThread *thread = g_thread_try_new(THREAD_NAME, serve, connection, NULL);
  if (thread == NULL)
    return;
  g_steal_pointer(&connection); /* the thread's now */
  g_thread_unref(thread);
  server->connections++;
}

static gpointer
accept_connections(gpointer data)
{
  StandServer *server = data;
  GSocket *listener = wire_listener_socket(server->listener);
  while (g_socket_condition_wait(listener, G_IO_IN, server->stopping, NULL)) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocket) socket = wire_listener_accept(server->listener, &error);
    if (socket != NULL)
      begin_to_serve(server, socket);
    else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      g_usleep(ACCEPT_PAUSE_US); /* out of descriptors, most likely: don't spin */
  }
  return NULL;
}

StandServer *
stand_server_new(const char *path, const StandMisbehaviour *misbehaviour, StandHandler handler,
                 gpointer user_data, GError **error)
{
  WireListener *listener = wire_listener_new(path, error);
  if (listener == NULL)
    return NULL;
  StandServer *server = g_new0(StandServer, 1);
  server->misbehaviour = misbehaviour;
  server->handler = handler;
  server->user_data = user_data;
  server->listener = listener;
  server->stopping = g_cancellable_new();
  g_mutex_init(&server->lock);
  g_cond_init(&server->changed);
  server->acceptor = g_thread_new(THREAD_NAME, accept_connections, server);
  return server;
}

void
stand_server_stop(StandServer *server)
{
  g_cancellable_cancel(server->stopping);
  g_thread_join(g_steal_pointer(&server->acceptor));
  g_clear_pointer(&server->listener, wire_listener_free);
}

gboolean
stand_server_wait(StandServer *server, gint64 deadline_us)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&server->lock);
  while (server->connections > 0)
    if (!g_cond_wait_until(&server->changed, &server->lock, deadline_us))
      return FALSE;
  return TRUE;
}

void
stand_server_free(StandServer *server)
{
  if (server == NULL)
    return;
  g_object_unref(server->stopping);
  g_mutex_clear(&server->lock);
  g_cond_clear(&server->changed);
  g_free(server);
}
