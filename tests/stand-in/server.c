#include "tests/stand-in/server.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "thrift/socket.h"

#define BACKLOG 1024
#define CONNECTIONS_MAX 1000
#define ACCEPT_PAUSE_US 50000
/* "For ever", in a form that a timed wait can take. */
#define IDLE_US (24 * G_TIME_SPAN_HOUR)

struct StandServer {
  char *path;
  const StandMisbehaviour *misbehaviour;
  StandHandler handler;
  gpointer user_data;
  GSocket *listener;
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

static gpointer
serve(gpointer data)
{
  g_autofree Connection *connection = data;
  StandServer *server = connection->server;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  while (serve_one(connection, bytes))
    ;
  g_object_unref(connection->socket);
  g_mutex_lock(&server->lock);
  server->connections--;
  g_cond_broadcast(&server->changed);
  g_mutex_unlock(&server->lock);
  return NULL;
}

static void
begin_to_serve(StandServer *server, GSocket *socket)
{
  g_socket_set_blocking(socket, FALSE);
  g_autofree Connection *connection = g_new(Connection, 1);
  *connection = (Connection){server, socket};
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&server->lock);
  if (server->connections >= CONNECTIONS_MAX)
    return;
  GThread *thread = g_thread_try_new("connection", serve, connection, NULL);
  if (thread == NULL)
    return;
  g_thread_unref(thread);
  server->connections++;
  g_object_ref(socket);
  g_steal_pointer(&connection);
}

static gpointer
accept_connections(gpointer data)
{
  StandServer *server = data;
  while (!g_cancellable_is_cancelled(server->stopping)) {
    g_autoptr(GSocket) socket = g_socket_accept(server->listener, server->stopping, NULL);
    if (socket != NULL)
      begin_to_serve(server, socket);
    else if (!g_cancellable_is_cancelled(server->stopping))
      g_usleep(ACCEPT_PAUSE_US); /* out of descriptors, most likely: don't spin */
  }
  return NULL;
}

static gboolean
unlink_stale(const char *path, GError **error)
{
  struct stat status;
  if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && g_unlink(path) != 0) {
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
    return FALSE;
  }
  return TRUE;
}

static GSocket *
listen_on(const char *path, GError **error)
{
  if (strlen(path) > WIRE_SOCKET_PATH_MAX) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
                "%s: the path of a socket has at most %d bytes", path, WIRE_SOCKET_PATH_MAX);
    return NULL;
  }
  if (!unlink_stale(path, error))
    return NULL;
  g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
  g_autoptr(GSocket) socket =
      g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL)
    return NULL;
  g_socket_set_listen_backlog(socket, BACKLOG);
  if (fchmod(g_socket_get_fd(socket), 0600) != 0) { /* the file gets it, whatever the umask */
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "fchmod: %s", g_strerror(errno));
    return NULL;
  }
  if (!g_socket_bind(socket, address, FALSE, error)) {
    g_prefix_error(error, "%s: ", path);
    return NULL;
  }
  return g_socket_listen(socket, error) ? g_steal_pointer(&socket) : NULL;
}

StandServer *
stand_server_new(const char *path, const StandMisbehaviour *misbehaviour, StandHandler handler,
                 gpointer user_data, GError **error)
{
  GSocket *listener = listen_on(path, error);
  if (listener == NULL)
    return NULL;
  StandServer *server = g_new0(StandServer, 1);
  server->path = g_strdup(path);
  server->misbehaviour = misbehaviour;
  server->handler = handler;
  server->user_data = user_data;
  server->listener = listener;
  server->stopping = g_cancellable_new();
  g_mutex_init(&server->lock);
  g_cond_init(&server->changed);
  server->acceptor = g_thread_new("acceptor", accept_connections, server);
  return server;
}

void
stand_server_stop(StandServer *server)
{
  g_cancellable_cancel(server->stopping);
  g_thread_join(g_steal_pointer(&server->acceptor));
  g_clear_object(&server->listener); /* who connects from now on is refused */
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
  (void)g_unlink(server->path); /* who stops last may find it gone */
  g_free(server->path);
  g_object_unref(server->stopping);
  g_mutex_clear(&server->lock);
  g_cond_clear(&server->changed);
  g_free(server);
}
