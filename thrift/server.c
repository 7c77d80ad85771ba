#include "thrift/server.h"

#include <sys/resource.h>

#include "thrift/listener.h"
#include "thrift/reply.h"

/* What is read, and how many are accepted, before others get their turn. */
#define CHUNK_BYTES (16u << 10)
#define ACCEPTS_AT_ONCE 16
/* After an accept that failed for want of something: the listener stays readable, the loop would
 * spin. */
#define ACCEPT_PAUSE_MS 100
/* What a receive buffer may keep for the next message. */
#define KEEP_BYTES (64u << 10)
/* Replies in memory that nobody has taken yet, all together. */
#define PENDING_BYTES_MAX (2 * (gsize)WIRE_REPLY_BYTES_MAX)

typedef struct {
  GSource source;
  struct Connection *connection;
} ConnectionSource;

typedef struct Connection {
  WireServer *server;
  GSocket *socket;
  GSource *source;
  gpointer tag;      /* of the descriptor in @source */
  GList link;        /* in the server's queue */
  GByteArray *bytes; /* received and not yet answered */
  WireWalk walk;     /* through @bytes */
  gboolean unseen;   /* @bytes has some that @walk has not seen */
  GByteArray *reply; /* NULL: none is pending, and only then anything is read */
  WireRest rest;     /* of @reply; next is NULL: there is none */
  GList rest_link;   /* in the server's queue */
  gsize sent;
  gboolean last;   /* close once the reply is sent */
  gint64 since_us; /* begin of the present phase: idle, receiving, or replying */
} Connection;

struct WireServer {
  WireListener *listener;
  GMainContext *context;
  WireHandler handler;
  gpointer user_data;
  WireServerLimits limits;
  GSource *accepting; /* waits for connections, or for the end of a pause */
  GSource *sweep;     /* only while there are connections */
  GQueue connections; /* the one without progress for longest comes first */
  gsize pending_bytes;
  GQueue rests;    /* connections whose replies are being made, in turn */
  GSource *making; /* only while there are some */
};

/* --- one connection --- */

/* The rest is made, or nobody wants it. */
static void
drop_rest(Connection *connection)
{
  WireServer *server = connection->server;
  if (connection->rest.next == NULL)
    return;
  g_queue_unlink(&server->rests, &connection->rest_link);
  connection->rest.free(connection->rest.data);
  connection->rest = (WireRest){NULL, NULL, NULL};
}

static void
drop_reply(Connection *connection)
{
  if (connection->reply == NULL)
    return;
  connection->server->pending_bytes -= connection->reply->len;
  g_clear_pointer(&connection->reply, g_byte_array_unref);
}

static void
connection_close(Connection *connection)
{
  WireServer *server = connection->server;
  g_queue_unlink(&server->connections, &connection->link);
  if (server->connections.length == 0 && server->sweep != NULL) {
    g_source_destroy(server->sweep);
    g_clear_pointer(&server->sweep, g_source_unref);
  }
  drop_rest(connection);
  drop_reply(connection);
  g_source_destroy(connection->source);
  g_source_unref(connection->source);
  g_object_unref(connection->socket); /* closes */
  g_byte_array_unref(connection->bytes);
  g_free(connection);
}

static void
note_progress(Connection *connection)
{
  GQueue *queue = &connection->server->connections;
  g_queue_unlink(queue, &connection->link);
  g_queue_push_tail_link(queue, &connection->link);
}

/* Returns: FALSE when the connection is at its end. */
static gboolean
connection_receive(Connection *connection)
{
  GByteArray *bytes = connection->bytes;
  const guint before = bytes->len;
  g_byte_array_set_size(bytes, before + CHUNK_BYTES);
  g_autoptr(GError) error = NULL;
  const gssize got =
      g_socket_receive(connection->socket, (char *)bytes->data + before, CHUNK_BYTES, NULL, &error);
  g_byte_array_set_size(bytes, before + (guint)MAX(got, 0));
  if (got <= 0)
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  if (before == 0)
    connection->since_us = g_get_monotonic_time();
  connection->unseen = TRUE;
  note_progress(connection);
  return TRUE;
}

/* Takes the message that @walk completed out of @bytes. */
static void
connection_consume(Connection *connection)
{
  const guint size = (guint)connection->walk.message.size;
  if (size > KEEP_BYTES) {
    GByteArray *rest = g_byte_array_new();
    g_byte_array_append(rest, connection->bytes->data + size, connection->bytes->len - size);
    g_byte_array_unref(connection->bytes);
    connection->bytes = rest;
  } else {
    g_byte_array_remove_range(connection->bytes, 0, size);
  }
  connection->unseen = connection->bytes->len > 0;
  wire_walk_begin(&connection->walk, WIRE_FROM_CLIENT);
  connection->since_us = g_get_monotonic_time();
}

/* Keeps what is in memory for clients that don't take it within bounds. */
static void
bound_pending(Connection *newest)
{
  WireServer *server = newest->server;
  GList *next;
  for (GList *link = server->connections.head;
       link != NULL && server->pending_bytes > PENDING_BYTES_MAX; link = next) {
    next = link->next;
    Connection *connection = link->data;
    if (connection != newest && connection->reply != NULL)
      connection_close(connection);
  }
}

/* Waits for what is to be waited for now. */
static void
connection_await(Connection *connection)
{
  const gboolean making = connection->rest.next != NULL;
  const gboolean replying = connection->reply != NULL;
  /* That the client is gone is told in any case. */
  g_source_modify_unix_fd(connection->source, connection->tag,
                          making     ? 0
                          : replying ? G_IO_OUT
                                     : G_IO_IN);
  g_source_set_ready_time(connection->source, !replying && connection->unseen ? 0 : -1);
}

/* Makes one slice of the reply whose turn it is. */
static void
make_slice(WireServer *server)
{
  Connection *connection = server->rests.head->data;
  GByteArray *reply = connection->reply;
  server->pending_bytes -= reply->len;
  const gboolean more = connection->rest.next(connection->rest.data, reply);
  server->pending_bytes += reply->len;
  note_progress(connection);
  /* In turn, but only so many at a time. */
  g_queue_unlink(&server->rests, &connection->rest_link);
  GList *behind = g_queue_peek_nth_link(&server->rests, server->limits.rests - 1);
  g_queue_insert_before_link(&server->rests, behind, &connection->rest_link);
  if (!more) {
    drop_rest(connection);
    connection->since_us = g_get_monotonic_time();
    connection_await(connection);
  }
  bound_pending(connection);
}

/* A slice a turn, so that others have theirs. */
static gboolean
on_making(gpointer user_data)
{
  WireServer *server = user_data;
  if (server->rests.length > 0)
    make_slice(server);
  if (server->rests.length > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer(&server->making, g_source_unref);
  return G_SOURCE_REMOVE;
}

/* One slice is enough for most. */
static void
begin_rest(Connection *connection, const WireRest *rest)
{
  WireServer *server = connection->server;
  connection->rest = *rest;
  connection->rest_link = (GList){.data = connection};
  g_queue_push_tail_link(&server->rests, &connection->rest_link);
  if (server->making != NULL)
    return;
  make_slice(server);
  if (server->rests.length == 0)
    return;
  server->making = g_idle_source_new();
  g_source_set_priority(server->making, G_PRIORITY_DEFAULT);
  g_source_set_callback(server->making, on_making, server, NULL);
  g_source_attach(server->making, server->context);
}

/* Answers the next message if it is all there. Returns: FALSE when the connection is at its end. */
static gboolean
connection_answer(Connection *connection)
{
  WireServer *server = connection->server;
  const WireMessage *message = &connection->walk.message;
  if (!connection->unseen)
    return TRUE;
  connection->unseen = FALSE;
  const WireVerdict verdict =
      wire_walk_on(&connection->walk, connection->bytes->data, connection->bytes->len);
  if (verdict == WIRE_INCOMPLETE)
    return TRUE;

  g_autoptr(GByteArray) reply = g_byte_array_new();
  WireRest rest = {NULL, NULL, NULL};
  if (verdict == WIRE_COMPLETE)
    server->handler(message, connection->bytes->data, reply, &rest, server->user_data);
  else if (message->method[0] !=
           '\0') /* we know whom to answer, not where the next message begins */
    wire_reply_exception(reply, message, WIRE_EXCEPTION_PROTOCOL, message->problem);
  connection->last = verdict != WIRE_COMPLETE;
  const gboolean oneway = message->oneway;
  if (oneway && rest.next != NULL) {
    rest.free(rest.data);
    rest.next = NULL;
  }
  if (verdict == WIRE_COMPLETE)
    connection_consume(connection);
  if (oneway)
    return verdict == WIRE_COMPLETE;
  if (reply->len == 0 && rest.next == NULL)
    return FALSE;
  connection->reply = g_steal_pointer(&reply);
  connection->sent = 0;
  server->pending_bytes += connection->reply->len;
  if (rest.next != NULL)
    begin_rest(connection, &rest);
  bound_pending(connection);
  return TRUE;
}

/* Returns: FALSE when the connection is at its end. */
static gboolean
connection_send(Connection *connection)
{
  const GByteArray *reply = connection->reply;
  g_autoptr(GError) error = NULL;
  const gssize now = g_socket_send(connection->socket, (const char *)reply->data + connection->sent,
                                   reply->len - connection->sent, NULL, &error);
  if (now < 0)
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  note_progress(connection);
  connection->sent += (gsize)now;
  if (connection->sent < reply->len)
    return TRUE;
  drop_reply(connection);
  connection->since_us = g_get_monotonic_time();
  return !connection->last;
}

static gboolean
connection_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
  (void)callback;
  (void)user_data;
  Connection *connection = ((ConnectionSource *)source)->connection;
  const GIOCondition ready = g_source_query_unix_fd(source, connection->tag);
  gboolean going = connection->rest.next == NULL || (ready & (G_IO_HUP | G_IO_ERR)) == 0;
  /* One message a turn, so that a client that floods is not served at the others' cost. */
  if (going && connection->reply == NULL && !connection->unseen && ready != 0)
    going = connection_receive(connection);
  if (going && connection->reply == NULL)
    going = connection_answer(connection);
  if (going && connection->reply != NULL && connection->rest.next == NULL)
    going = connection_send(connection);
  if (!going) {
    connection_close(connection);
    return G_SOURCE_REMOVE;
  }
  connection_await(connection);
  return G_SOURCE_CONTINUE;
}

/* --- all of them --- */

static gint64
deadline_of(const Connection *connection)
{
  const WireServerLimits *limits = &connection->server->limits;
  if (connection->rest.next != NULL)
    return G_MAXINT64; /* it waits for us */
  if (connection->reply != NULL)
    return connection->since_us + limits->reply_us;
  if (connection->bytes->len > 0)
    return connection->since_us + limits->request_us;
  return connection->since_us + limits->idle_us;
}

static gboolean
on_sweep(gpointer user_data)
{
  WireServer *server = user_data;
  const gint64 now_us = g_get_monotonic_time();
  GList *next;
  for (GList *link = server->connections.head; link != NULL; link = next) {
    next = link->next;
    if (now_us >= deadline_of(link->data))
      connection_close(link->data);
  }
  return G_SOURCE_CONTINUE;
}

static void
connection_open(WireServer *server, GSocket *socket)
{
  static GSourceFuncs FUNCS = {.dispatch = connection_dispatch};
  Connection *connection = g_new0(Connection, 1);
  connection->server = server;
  connection->socket = socket;
  connection->link.data = connection;
  connection->bytes = g_byte_array_new();
  connection->since_us = g_get_monotonic_time();
  wire_walk_begin(&connection->walk, WIRE_FROM_CLIENT);
  connection->source = g_source_new(&FUNCS, sizeof(ConnectionSource));
  ((ConnectionSource *)connection->source)->connection = connection;
  connection->tag = g_source_add_unix_fd(connection->source, g_socket_get_fd(socket), G_IO_IN);
  g_source_attach(connection->source, server->context);
  g_queue_push_tail_link(&server->connections, &connection->link);

  if (server->connections.length > server->limits.connections)
    connection_close(server->connections.head->data);
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
      connection_open(server, peer);
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
    connection_close(server->connections.head->data);
  if (server->making != NULL)
    g_source_destroy(server->making);
  g_clear_pointer(&server->making, g_source_unref);
  wire_listener_free(server->listener);
  g_main_context_unref(server->context);
  g_free(server);
}
