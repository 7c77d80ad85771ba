/* Notices at once when a core makes its manager's socket anew. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct ExtWatch ExtWatch;

/* Watches the directory that @socket is in, from the default main context.
 * Returns: NULL with @error where that can't be done; then a new core is noticed later, by asking.
 */
ExtWatch *ext_watch_new(const char *socket, void (*on_made)(gpointer user_data), gpointer user_data,
                        GError **error);
void ext_watch_free(ExtWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtWatch, ext_watch_free)

G_END_DECLS
