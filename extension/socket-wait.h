/* Notices at once when a core makes its manager's socket anew. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct ExtSocketWait ExtSocketWait;

/* Watches the directory that @socket is in, from the default main context.
 * Returns: NULL with @error where that can't be done; then a new core is noticed later, by asking.
 */
ExtSocketWait *ext_socket_wait_new(const char *socket, void (*on_made)(gpointer user_data),
                                   gpointer user_data, GError **error);
void ext_socket_wait_free(ExtSocketWait *wait);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtSocketWait, ext_socket_wait_free)

G_END_DECLS
