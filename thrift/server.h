/* Serves messages on a unix socket from the caller's main loop: one thread, any number of clients.
 *
 * A silent, slow, half-closed or flooding client costs one descriptor until its deadline and holds
 * up nobody else. Only root and the user that we run as may connect (mode 0600 and peer
 * credentials). */
#pragma once

#include <gio/gio.h>

#include "thrift/handler.h"

G_BEGIN_DECLS

typedef struct WireServer WireServer;

/* Listens on @path: a stale socket file there is replaced, a file that is no socket is an error.
 * @context: the main context to serve from; NULL: the default one. */
WireServer *wire_server_new(const char *path, GMainContext *context, WireHandler handler,
                            gpointer user_data, GError **error);

/* Good limits are set already; tests set others. */
void wire_server_set_limits(WireServer *server, const WireLimits *limits);

/* For a slice that can't help taking long, to be called by it every few milliseconds: lets others
 * have their turn with what is answered at once; what has to be made waits. */
void wire_server_breathe(WireServer *server);

/* TRUE while a reply is being made, or not yet handed to the kernel whole. */
gboolean wire_server_busy(const WireServer *server);

/* Closes everything and unlinks the socket if it is still ours. NULL is allowed. */
void wire_server_free(WireServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireServer, wire_server_free)

G_END_DECLS
