/* Sends and receives single messages over a unix socket. Blocking: for a thread of its own; a main
 * loop uses server.h.
 *
 * @deadline_us: by g_get_monotonic_time(); holds even if the peer sends byte by byte.
 * Errors are of G_IO_ERROR: TIMED_OUT, CANCELLED, INVALID_DATA (the message names the broken rule
 * of message.h), CLOSED (by the peer, between two messages), PARTIAL_INPUT (in the middle of one),
 * or the socket's own. */
#pragma once

#include <gio/gio.h>

#include "thrift/message.h"

G_BEGIN_DECLS

/* The longest path of a unix socket, without the NUL. */
#define WIRE_SOCKET_PATH_MAX 107

/* Returns: (transfer full), or NULL with G_IO_ERROR_FILENAME_TOO_LONG when @path is longer. */
GSocketAddress *wire_socket_address_new(const char *path, GError **error);

/* Connects to @path. If the peer's backlog is full, retries until the deadline; anything else, such
 * as no listener, fails at once. Returns: (transfer full) a non-blocking socket, or NULL. */
GSocket *wire_connect(const char *path, gint64 deadline_us, GCancellable *cancellable,
                      GError **error);

/* The pid of the process that listens at the other end; 0: unknown. */
gint64 wire_socket_peer_pid(GSocket *socket);

/* Receives one complete, valid message. @socket must be non-blocking.
 * @bytes: on entry, the bytes that an earlier call received beyond its message (empty at first). On
 * success it begins with the message's @message->size bytes; remove these before the next call. */
gboolean wire_receive(GSocket *socket, WireDirection direction, gint64 deadline_us,
                      GCancellable *cancellable, GByteArray *bytes, WireMessage *message,
                      GError **error);

/* Sends all of @bytes. @socket must be non-blocking. */
gboolean wire_send(GSocket *socket, const guint8 *bytes, gsize length, gint64 deadline_us,
                   GCancellable *cancellable, GError **error);

G_END_DECLS
