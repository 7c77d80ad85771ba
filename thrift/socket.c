#include "thrift/socket.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

/* How much is read at once. */
#define CHUNK_BYTES (16u << 10)
/* The kernel doesn't signal when a full backlog has room again. */
#define BACKLOG_RETRY_US (5 * G_TIME_SPAN_MILLISECOND)

GSocketAddress *
wire_socket_address_new(const char *path, GError **error)
{
  if (strlen(path) <= WIRE_SOCKET_PATH_MAX)
    return g_unix_socket_address_new(path);
  g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
              "%s: longer than a socket's path can be (%d bytes)", path, WIRE_SOCKET_PATH_MAX);
  return NULL;
}

static gboolean
wait_for(GSocket *socket, GIOCondition condition, gint64 deadline_us, GCancellable *cancellable,
         GError **error)
{
  const gint64 left_us = deadline_us - g_get_monotonic_time();
  if (left_us <= 0) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the deadline has passed");
    return FALSE;
  }
  return g_socket_condition_timed_wait(socket, condition, left_us, cancellable, error);
}

static gboolean
pause_until(gint64 until_us, GCancellable *cancellable, GError **error)
{
  GPollFD poll_fd = {0};
  const gboolean pollable = g_cancellable_make_pollfd(cancellable, &poll_fd);
  const gint64 left_us = MAX(until_us - g_get_monotonic_time(), 0);
  (void)g_poll(&poll_fd, pollable ? 1 : 0, (gint)(left_us / 1000 + 1));
  if (pollable)
    g_cancellable_release_fd(cancellable);
  return !g_cancellable_set_error_if_cancelled(cancellable, error);
}

GSocket *
wire_connect(const char *path, gint64 deadline_us, GCancellable *cancellable, GError **error)
{
  g_autoptr(GSocketAddress) address = wire_socket_address_new(path, error);
  if (address == NULL)
    return NULL;
  g_autoptr(GSocket) socket =
      g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL)
    return NULL;
  g_socket_set_blocking(socket, FALSE);
  for (;;) {
    g_autoptr(GError) failure = NULL;
    if (g_socket_connect(socket, address, cancellable, &failure))
      return g_steal_pointer(&socket);
    /* A unix socket connects at once, or gives EAGAIN if the backlog is full; never EINPROGRESS. */
    if (!g_error_matches(failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", path);
      return NULL;
    }
    const gint64 now_us = g_get_monotonic_time();
    if (now_us >= deadline_us) {
      g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s: nobody accepts", path);
      return NULL;
    }
    if (!pause_until(MIN(now_us + BACKLOG_RETRY_US, deadline_us), cancellable, error))
      return NULL;
  }
}

gint64
wire_socket_peer_pid(GSocket *socket)
{
  g_autoptr(GCredentials) credentials = g_socket_get_credentials(socket, NULL);
  return credentials != NULL ? MAX(g_credentials_get_unix_pid(credentials, NULL), 0) : 0;
}

gboolean
wire_receive(GSocket *socket, WireDirection direction, gint64 deadline_us,
             GCancellable *cancellable, GByteArray *bytes, WireMessage *message, GError **error)
{
  WireWalk walk;
  wire_walk_begin(&walk, direction);
  WireVerdict verdict;
  while ((verdict = wire_walk_on(&walk, bytes->data, bytes->len)) == WIRE_INCOMPLETE) {
    if (!wait_for(socket, G_IO_IN, deadline_us, cancellable, error))
      return FALSE;
    const guint before = bytes->len;
    g_byte_array_set_size(bytes, before + CHUNK_BYTES);
    g_autoptr(GError) failure = NULL;
    const gssize got =
        g_socket_receive(socket, (char *)bytes->data + before, CHUNK_BYTES, cancellable, &failure);
    g_byte_array_set_size(bytes, before + (guint)MAX(got, 0));
    if (got == 0) {
      g_set_error_literal(error, G_IO_ERROR,
                          before == 0 ? G_IO_ERROR_CLOSED : G_IO_ERROR_PARTIAL_INPUT,
                          before == 0 ? "the peer has closed the connection"
                                      : "the peer has closed in the middle of a message");
      return FALSE;
    }
    if (got < 0 && !g_error_matches(failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
  }
  *message = walk.message;
  if (verdict == WIRE_COMPLETE)
    return TRUE;
  g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the peer's message is invalid: %s",
              message->problem);
  return FALSE;
}

gboolean
wire_send(GSocket *socket, const guint8 *bytes, gsize length, gint64 deadline_us,
          GCancellable *cancellable, GError **error)
{
  gsize sent = 0;
  while (sent < length) {
    g_autoptr(GError) failure = NULL;
    const gssize now =
        g_socket_send(socket, (const char *)bytes + sent, length - sent, cancellable, &failure);
    if (now >= 0) {
      sent += (gsize)now;
    } else if (!g_error_matches(failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    } else if (!wait_for(socket, G_IO_OUT, deadline_us, cancellable, error)) {
      return FALSE;
    }
  }
  return TRUE;
}
