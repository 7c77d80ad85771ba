#include "thrift/connection.h"

#include "thrift/reply.h"

/* How much is read before other clients have their turn. */
#define CHUNK_BYTES (16u << 10)
/* A larger receive buffer is not kept for the next message. */
#define KEEP_BYTES (64u << 10)
/* All replies in memory together. */
#define PENDING_BYTES_MAX (2 * (gsize)WIRE_REPLY_BYTES_MAX)

static void
drop_rest(WireConnection *connection)
{
  if (connection->rest.next == NULL)
    return;
  g_queue_unlink(&connection->all->rests, &connection->rest_link);
  connection->rest.free(connection->rest.data);
  connection->rest = (WireRest){NULL, NULL, NULL};
}

static void
drop_reply(WireConnection *connection)
{
  if (connection->reply == NULL)
    return;
  connection->all->pending_bytes -= connection->reply->len;
  g_clear_pointer(&connection->reply, g_byte_array_unref);
}

void
wire_connection_close(WireConnection *connection)
{
  WireConnections *all = connection->all;
  if (connection == all->maker) {
    connection->doomed = TRUE;
    return;
  }
  g_queue_unlink(&all->queue, &connection->link);
  drop_rest(connection);
  drop_reply(connection);
  g_source_destroy(connection->source);
  g_source_unref(connection->source);
  g_object_unref(connection->socket); /* closes */
  g_byte_array_unref(connection->bytes);
  g_free(connection);
}

static void
note_progress(WireConnection *connection)
{
  GQueue *queue = &connection->all->queue;
  g_queue_unlink(queue, &connection->link);
  g_queue_push_tail_link(queue, &connection->link);
}

/* Returns: FALSE when the connection has ended. */
static gboolean
connection_receive(WireConnection *connection)
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

/* Removes the message that @walk completed from @bytes. */
static void
connection_consume(WireConnection *connection)
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

/* Closes connections with replies until the others' fit into PENDING_BYTES_MAX. */
static void
bound_pending(WireConnection *newest)
{
  WireConnections *all = newest->all;
  GList *next;
  for (GList *link = all->queue.head; link != NULL && all->pending_bytes > PENDING_BYTES_MAX;
       link = next) {
    next = link->next;
    WireConnection *connection = link->data;
    if (connection != newest && connection->reply != NULL)
      wire_connection_close(connection);
  }
}

static void
connection_await(WireConnection *connection)
{
  const gboolean making = connection->rest.next != NULL;
  const gboolean replying = connection->reply != NULL;
  /* With 0 it still notices that the client is gone. */
  g_source_modify_unix_fd(connection->source, connection->tag,
                          making     ? 0
                          : replying ? G_IO_OUT
                                     : G_IO_IN);
  g_source_set_ready_time(connection->source, !replying && connection->unseen ? 0 : -1);
}

/* Makes one slice of the reply whose turn it is. Returns: FALSE when its connection is closed. */
static gboolean
make_slice(WireConnections *all)
{
  WireConnection *connection = all->rests.head->data;
  GByteArray *reply = connection->reply;
  all->pending_bytes -= reply->len;
  all->maker = connection;
  const gboolean more = connection->rest.next(connection->rest.data, reply);
  all->maker = NULL;
  all->pending_bytes += reply->len;
  if (connection->doomed) {
    wire_connection_close(connection);
    return FALSE;
  }
  note_progress(connection);
  /* They take turns, but only so many at a time. */
  g_queue_unlink(&all->rests, &connection->rest_link);
  GList *behind = g_queue_peek_nth_link(&all->rests, all->limits.rests - 1);
  g_queue_insert_before_link(&all->rests, behind, &connection->rest_link);
  if (!more) {
    drop_rest(connection);
    connection->since_us = g_get_monotonic_time();
    connection_await(connection);
  }
  bound_pending(connection);
  return TRUE;
}

/* Makes one slice at a time, so that other sources have their turn. */
static gboolean
on_making(gpointer user_data)
{
  WireConnections *all = user_data;
  if (all->rests.length > 0)
    (void)make_slice(all);
  if (all->rests.length > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer(&all->making, g_source_unref);
  return G_SOURCE_REMOVE;
}

/* Makes the first slice at once, because most replies need only one. Returns: FALSE when the
 * connection is closed. */
static gboolean
begin_rest(WireConnection *connection, const WireRest *rest)
{
  WireConnections *all = connection->all;
  connection->rest = *rest;
  connection->rest_link = (GList){.data = connection};
  g_queue_push_tail_link(&all->rests, &connection->rest_link);
  const gboolean alone = all->making == NULL && all->maker == NULL;
  const gboolean open = !alone || make_slice(all);
  if (all->rests.length == 0 || all->making != NULL)
    return open;
  all->making = g_idle_source_new();
  g_source_set_priority(all->making, G_PRIORITY_DEFAULT);
  g_source_set_callback(all->making, on_making, all, NULL);
  g_source_attach(all->making, all->context);
  return open;
}

typedef enum {
  TURN_GOES_ON,
  TURN_END,    /* close the connection */
  TURN_CLOSED, /* it is closed already */
} Turn;

/* Answers the next message if it is complete. */
static Turn
connection_answer(WireConnection *connection)
{
  WireConnections *all = connection->all;
  const WireMessage *message = &connection->walk.message;
  if (!connection->unseen)
    return TURN_GOES_ON;
  connection->unseen = FALSE;
  const WireVerdict verdict =
      wire_walk_on(&connection->walk, connection->bytes->data, connection->bytes->len);
  if (verdict == WIRE_INCOMPLETE)
    return TURN_GOES_ON;

  g_autoptr(GByteArray) reply = g_byte_array_new();
  WireRest rest = {NULL, NULL, NULL};
  if (verdict == WIRE_COMPLETE)
    all->handler(message, connection->bytes->data, reply, &rest, all->user_data);
  else if (message->method[0] != '\0')
    wire_reply_exception(reply, message, WIRE_EXCEPTION_PROTOCOL, message->problem);
  /* After an invalid message, there is no telling where the next one begins. */
  connection->last = verdict != WIRE_COMPLETE;
  const gboolean oneway = message->oneway;
  if (oneway && rest.next != NULL) {
    rest.free(rest.data);
    rest.next = NULL;
  }
  if (verdict == WIRE_COMPLETE)
    connection_consume(connection);
  if (oneway)
    return verdict == WIRE_COMPLETE ? TURN_GOES_ON : TURN_END;
  if (reply->len == 0 && rest.next == NULL)
    return TURN_END;
  connection->reply = g_steal_pointer(&reply);
  connection->sent = 0;
  all->pending_bytes += connection->reply->len;
  if (rest.next != NULL && !begin_rest(connection, &rest))
    return TURN_CLOSED;
  bound_pending(connection);
  return TURN_GOES_ON;
}

/* Returns: FALSE when the connection has ended. */
static gboolean
connection_send(WireConnection *connection)
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

gboolean
wire_connection_turn(WireConnection *connection, GIOCondition ready)
{
  const gboolean making = connection->rest.next != NULL;
  gboolean going = !making || (ready & (G_IO_HUP | G_IO_ERR)) == 0;
  /* One message a turn, so that a flooding client doesn't delay the others. */
  if (going && connection->reply == NULL && !connection->unseen && ready != 0)
    going = connection_receive(connection);
  if (going && connection->reply == NULL) {
    const Turn turn = connection_answer(connection);
    if (turn == TURN_CLOSED)
      return FALSE;
    going = turn == TURN_GOES_ON;
  }
  if (going && connection->reply != NULL && connection->rest.next == NULL)
    going = connection_send(connection);
  if (going)
    connection_await(connection);
  else
    wire_connection_close(connection);
  return going;
}

static gboolean
connection_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
  (void)callback;
  WireConnection *connection = user_data;
  return wire_connection_turn(connection, g_source_query_unix_fd(source, connection->tag));
}

gint64
wire_connection_deadline_us(const WireConnection *connection)
{
  const WireLimits *limits = &connection->all->limits;
  if (connection->rest.next != NULL)
    return G_MAXINT64; /* the client waits for us */
  if (connection->reply != NULL)
    return connection->since_us + limits->reply_us;
  if (connection->bytes->len > 0)
    return connection->since_us + limits->request_us;
  return connection->since_us + limits->idle_us;
}

void
wire_connection_new(WireConnections *all, GSocket *socket)
{
  /* A kind of source of our own, because the condition that it waits for changes all the time. */
  static GSourceFuncs FUNCS = {.dispatch = connection_dispatch};
  WireConnection *connection = g_new0(WireConnection, 1);
  connection->all = all;
  connection->socket = socket;
  connection->link.data = connection;
  connection->bytes = g_byte_array_new();
  connection->since_us = g_get_monotonic_time();
  wire_walk_begin(&connection->walk, WIRE_FROM_CLIENT);
  connection->source = g_source_new(&FUNCS, sizeof(GSource));
  g_source_set_callback(connection->source, NULL, connection, NULL);
  connection->tag = g_source_add_unix_fd(connection->source, g_socket_get_fd(socket), G_IO_IN);
  g_source_attach(connection->source, all->context);
  g_queue_push_tail_link(&all->queue, &connection->link);
}
