/* One whole message over a unix socket, blocking, with an absolute end that a dripping peer can't
 * outlive. For threads of their own; a main loop uses server.h.
 *
 * @deadline_us: g_get_monotonic_time(). Errors are of G_IO_ERROR: TIMED_OUT, CANCELLED,
 * INVALID_DATA (the message says which rule of message.h was broken), CLOSED (the peer ended
 * between two messages), PARTIAL_INPUT (in the middle of one), or whatever the socket says. */
#pragma once

#include <gio/gio.h>

#include "thrift/message.h"

G_BEGIN_DECLS

/* The longest path of a unix socket, without the NUL. */
#define WIRE_SOCKET_PATH_MAX 107

/* Returns: (transfer full), or NULL with G_IO_ERROR_FILENAME_TOO_LONG when @path is longer. */
GSocketAddress *wire_socket_address_new(const char *path, GError **error);

/* Connects to @path; a peer whose backlog is full is tried again until the deadline. Anything else
 * that keeps it from connecting (no socket, no listener) fails at once. Returns: (transfer
 * full) a non-blocking socket, or NULL. */
GSocket *wire_connect(const char *path, gint64 deadline_us, GCancellable *cancellable,
                      GError **error);

/* The pid of the process that listens at the other end; 0: the system doesn't say. */
gint64 wire_socket_peer_pid(GSocket *socket);

/* Receives one complete, valid message. @socket must be non-blocking.
 * @bytes: on entry what an earlier call received beyond its message (empty at first); on success it
 * begins with the message, @message->size bytes; remove these before the next call. */
gboolean wire_receive(GSocket *socket, WireDirection direction, gint64 deadline_us,
                      GCancellable *cancellable, GByteArray *bytes, WireMessage *message,
                      GError **error);

/* Sends all of @bytes. @socket must be non-blocking. */
gboolean wire_send(GSocket *socket, const guint8 *bytes, gsize length, gint64 deadline_us,
                   GCancellable *cancellable, GError **error);

G_END_DECLS
