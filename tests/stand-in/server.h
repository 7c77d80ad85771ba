/* Serves the extension API on a unix socket as osquery's threaded server does: a thread for each
 * connection, no deadline for an idle one, any number of calls at once. */
#pragma once

#include <gio/gio.h>

#include "tests/stand-in/misbehave.h"
#include "thrift/message.h"

G_BEGIN_DECLS

typedef struct StandServer StandServer;

/* Answers one valid message from a thread of its own. @reply: empty; gets the whole reply. */
typedef void (*StandHandler)(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                             gpointer user_data);

/* Listens on @path with mode 0600; a socket that is there already is replaced.
 * @misbehaviour: borrowed; while it says so, no call is answered. */
StandServer *stand_server_new(const char *path, const StandMisbehaviour *misbehaviour,
                              StandHandler handler, gpointer user_data, GError **error);

/* Removes the socket, takes no more connections, and ends those that are not in the middle of a
 * call. */
void stand_server_stop(StandServer *server);

/* Waits for the calls that are being answered. FALSE when some still are at @deadline_us
 * (g_get_monotonic_time()): then only the end of the process ends them. */
gboolean stand_server_wait(StandServer *server, gint64 deadline_us);

/* Only after stand_server_wait() has returned TRUE. NULL is allowed. */
void stand_server_free(StandServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandServer, stand_server_free)

G_END_DECLS
