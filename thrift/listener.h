/* A listening unix socket that only root and our own user can use. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct WireListener WireListener;

/* Listens on @path, with mode 0600 whatever the umask. An existing socket is replaced, even if
 * something listens on it; any other existing file is an error. */
WireListener *wire_listener_new(const char *path, GError **error);

/* The non-blocking socket on which to wait for connections. */
GSocket *wire_listener_socket(const WireListener *listener);

/* Accepts one connection. Returns: (transfer full) a non-blocking socket; NULL with
 * G_IO_ERROR_WOULD_BLOCK when no client waits; NULL with G_IO_ERROR_PERMISSION_DENIED when it was
 * another user's, which closes it. */
GSocket *wire_listener_accept(WireListener *listener, GError **error);

/* Closes it, and unlinks the file if it is still ours. NULL is allowed. */
void wire_listener_free(WireListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireListener, wire_listener_free)

G_END_DECLS
