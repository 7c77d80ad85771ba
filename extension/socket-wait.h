/* Notices when a core creates its manager's socket. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ExtSocketWait ExtSocketWait;

/* Watches @socket's directory from the default main context. Returns: NULL with @error where that
 * isn't possible; a new core is then noticed at the next call. */
ExtSocketWait *ext_socket_wait_new(const char *socket, void (*on_made)(gpointer user_data),
                                   gpointer user_data, GError **error);
void ext_socket_wait_free(ExtSocketWait *wait);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtSocketWait, ext_socket_wait_free)

G_END_DECLS
