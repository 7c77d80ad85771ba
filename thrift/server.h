/* Serves messages on a unix socket from the caller's main loop: one thread, any number of clients.
 *
 * A silent, slow, half-closed or flooding client costs one descriptor until its deadline and holds
 * up nobody else. Only root and the user that we run as may connect (mode 0600 and peer
 * credentials). */
#pragma once

#include <gio/gio.h>

#include "thrift/message.h"
#include "thrift/socket.h" /* WIRE_SOCKET_PATH_MAX */

G_BEGIN_DECLS

typedef struct WireServer WireServer;

/* The rest of a reply that takes long: made slice by slice, between which others are served. */
typedef struct {
  /* Appends some more to @reply; takes a few milliseconds. Returns: FALSE when that was the last of
   * it. Must not free the server. */
  gboolean (*next)(gpointer data, GByteArray *reply); /* NULL: there is no rest */
  void (*free)(gpointer data); /* when it is done, or nobody wants it any more */
  gpointer data;
} WireRest;

/* Answers one complete, valid message from a client.
 * @bytes: the message's bytes, @message->size of them. @reply: empty; append the whole reply. Left
 * empty, the connection is closed. @rest: empty; filled in where @reply is only the beginning,
 * which may be nothing. Must not free the server. */
typedef void (*WireHandler)(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                            WireRest *rest, gpointer user_data);

/* Listens on @path: a stale socket file there is replaced, a file that is no socket is an error.
 * @context: the main context to serve from; NULL: the default one. */
WireServer *wire_server_new(const char *path, GMainContext *context, WireHandler handler,
                            gpointer user_data, GError **error);

typedef struct {
  guint connections; /* one more, and the one without progress for longest goes */
  gint64 idle_us;    /* between two messages */
  gint64 request_us; /* from a message's first byte to its last */
  gint64 reply_us;   /* from when the reply is whole until the client has taken it */
  guint rests;       /* replies that are made at the same time; more have to wait */
} WireServerLimits;

/* The limits have good values already; tests want others. */
void wire_server_set_limits(WireServer *server, const WireServerLimits *limits);

const char *wire_server_path(const WireServer *server);

/* For a slice that can't help taking long, to be called by it every few milliseconds: lets others
 * have their turn with what is answered at once; what has to be made waits. */
void wire_server_breathe(WireServer *server);

/* TRUE while a reply is being made, or not yet handed to the kernel whole. */
gboolean wire_server_busy(const WireServer *server);

/* Closes everything and unlinks the socket if it is still ours. NULL is allowed. */
void wire_server_free(WireServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireServer, wire_server_free)

G_END_DECLS
