/* One client's connection to a server: reads its messages, one after the other, and answers them.
 */
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
  GList link;        /* in the queue of all */
  GByteArray *bytes; /* received and not yet answered */
  WireWalk walk;     /* through @bytes */
  gboolean unseen;   /* @bytes has some that @walk has not seen */
  GByteArray *reply; /* NULL: none is pending, and only then anything is read */
  WireRest rest;     /* of @reply; next is NULL: there is none */
  GList rest_link;   /* in the queue of rests */
  gboolean doomed;   /* to be closed when its slice is made */
  gsize sent;
  gboolean last;   /* close once the reply is sent */
  gint64 since_us; /* begin of the present phase: idle, receiving, or replying */
} WireConnection;

/* What all connections of one server share: zeros at first, but for the first four fields. */
struct WireConnections {
  GMainContext *context;
  WireHandler handler;
  gpointer user_data;
  WireLimits limits;
  GQueue queue; /* the one without progress for longest comes first */
  gsize pending_bytes;
  GQueue rests;          /* connections whose replies are being made, in turn */
  GSource *making;       /* only while there are some */
  WireConnection *maker; /* whose slice is being made right now, or NULL */
};

/* Takes @socket, which must be non-blocking, and serves it from then on. */
void wire_connection_new(WireConnections *all, GSocket *socket);

/* Closes and frees it; one whose slice is being made goes when it is. */
void wire_connection_close(WireConnection *connection);

/* @ready: what its socket is ready for; 0: something is left to be answered. Returns: FALSE when
 * the connection is closed. */
gboolean wire_connection_turn(WireConnection *connection, GIOCondition ready);

/* When it is to be closed unless something happens; monotonic. */
gint64 wire_connection_deadline_us(const WireConnection *connection);

G_END_DECLS
