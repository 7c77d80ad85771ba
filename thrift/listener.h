/* A listening unix socket that only root and the user that we run as can use. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct WireListener WireListener;

/* Listens on @path, with mode 0600 under any umask. A socket that is there already is replaced:
 * either nothing listens on it, or we take over from its listener. Any other file is an error. */
WireListener *wire_listener_new(const char *path, GError **error);

/* The non-blocking socket, to wait for connections on. */
GSocket *wire_listener_socket(const WireListener *listener);

/* Accepts one connection. Returns: (transfer full) a non-blocking socket, or NULL:
 * G_IO_ERROR_WOULD_BLOCK when no client waits, G_IO_ERROR_PERMISSION_DENIED when it was another
 * user's (it is closed). */
GSocket *wire_listener_accept(WireListener *listener, GError **error);

/* Closes it and unlinks the file if it is still ours. NULL is allowed. */
void wire_listener_free(WireListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireListener, wire_listener_free)

G_END_DECLS
