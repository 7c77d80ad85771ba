/* One client's connection to a server: reads its messages one by one, and answers them. */
#pragma once

#include <gio/gio.h>

#include "thrift/handler.h"

G_BEGIN_DECLS

typedef struct WireConnections WireConnections;

typedef struct {
  WireConnections *all;
  GSocket *socket;
  GSource *source;
  gpointer tag;      /* of the descriptor in @source */
  GList link;        /* in all->queue */
  GByteArray *bytes; /* received and not yet answered */
  WireWalk walk;     /* through @bytes */
  gboolean unseen;   /* @walk has not seen all of @bytes */
  GByteArray *reply; /* NULL: none is pending; bytes are read only then */
  WireRest rest;     /* of @reply; next is NULL if there is none */
  GList rest_link;   /* in all->rests */
  gboolean doomed;   /* close it once its slice is made */
  gsize sent;        /* bytes of @reply */
  gboolean last;     /* close it once the reply is sent */
  gint64 since_us;   /* when the present phase began: idle, receiving, or replying */
} WireConnection;

/* What all connections of a server share. The first four fields are the server's to set; the others
 * begin as zeros. */
struct WireConnections {
  GMainContext *context;
  WireHandler handler;
  gpointer user_data;
  WireLimits limits;
  GQueue queue;          /* the one that has made no progress for longest comes first */
  gsize pending_bytes;   /* of all replies */
  GQueue rests;          /* connections whose replies are being made, in turn */
  GSource *making;       /* NULL: there are no rests */
  WireConnection *maker; /* the one whose slice is being made right now, or NULL */
};

/* Takes @socket, which must be non-blocking, and serves it. */
void wire_connection_new(WireConnections *all, GSocket *socket);

/* Closes and frees it, or does so once its slice is made. */
void wire_connection_close(WireConnection *connection);

/* Reads, answers and sends what is possible now.
 * @ready: what its socket is ready for; 0: a message that was read is still to be answered.
 * Returns: FALSE when the connection is closed. */
gboolean wire_connection_turn(WireConnection *connection, GIOCondition ready);

/* When it is to be closed unless it makes progress; monotonic. */
gint64 wire_connection_deadline_us(const WireConnection *connection);

G_END_DECLS
