/* One client of a server, and what makes its reply. Inside thrift/ only, a part of server.c. */
#pragma once

#include "thrift/listener.h"
#include "thrift/server.h"

G_BEGIN_DECLS

typedef struct {
  WireServer *server;
  GSocket *socket;
  GSource *source;
  gpointer tag;      /* of the descriptor in @source */
  GList link;        /* in the server's queue */
  GByteArray *bytes; /* received and not yet answered */
  WireWalk walk;     /* through @bytes */
  gboolean unseen;   /* @bytes has some that @walk has not seen */
  GByteArray *reply; /* NULL: none is pending, and only then anything is read */
  WireRest rest;     /* of @reply; next is NULL: there is none */
  GList rest_link;   /* in the server's queue */
  gboolean doomed;   /* to be closed when its slice is made */
  gsize sent;
  gboolean last;   /* close once the reply is sent */
  gint64 since_us; /* begin of the present phase: idle, receiving, or replying */
} WireConnection;

struct WireServer {
  WireListener *listener;
  GMainContext *context;
  WireHandler handler;
  gpointer user_data;
  WireServerLimits limits;
  GSource *accepting; /* waits for connections, or for the end of a pause */
  GSource *sweep;     /* only while there are connections */
  GQueue connections; /* the one without progress for longest comes first */
  gsize pending_bytes;
  GQueue rests;          /* connections whose replies are being made, in turn */
  GSource *making;       /* only while there are some */
  WireConnection *maker; /* whose slice is being made right now, or NULL */
};

/* Takes @socket, and serves it from then on. */
void wire_connection_new(WireServer *server, GSocket *socket);

/* Closes and frees it; one whose slice is being made goes when it is. */
void wire_connection_close(WireConnection *connection);

/* @ready: what its socket is ready for; 0: something is left to be answered. Returns: FALSE when
 * the connection is closed. */
gboolean wire_connection_turn(WireConnection *connection, GIOCondition ready);

/* When it is to be closed unless something happens. */
gint64 wire_connection_deadline(const WireConnection *connection);

G_END_DECLS
