/* Serves any number of clients on a unix socket, in the caller's thread and main loop.
 *
 * A silent, slow, half-closed or flooding client costs one descriptor until its deadline, and
 * delays no other. Only root and our own user may connect (mode 0600 and peer credentials). */
#pragma once

#include "thrift/handler.h"

G_BEGIN_DECLS

typedef struct WireServer WireServer;

/* Listens on @path as wire_listener_new() does.
 * @context: the main context to serve from; NULL: the default one. */
WireServer *wire_server_new(const char *path, GMainContext *context, WireHandler handler,
                            gpointer user_data, GError **error);

/* Replaces the default limits. For tests. */
void wire_server_set_limits(WireServer *server, const WireLimits *limits);

/* A slice that has to take long calls this every few milliseconds. Clients whose replies are not
 * made in slices are served meanwhile. */
void wire_server_breathe(WireServer *server);

/* TRUE while a reply is being made, or the kernel has not taken all of it. */
gboolean wire_server_busy(const WireServer *server);

/* Closes everything, and unlinks the socket if it is still ours. NULL is allowed. */
void wire_server_free(WireServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireServer, wire_server_free)

G_END_DECLS
