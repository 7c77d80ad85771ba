/* How a server's user answers calls, and the server's limits. */
#pragma once

#include "thrift/message.h"

G_BEGIN_DECLS

/* The rest of a long reply, made in slices. Other clients are served in between. */
typedef struct {
  /* Appends a slice to @reply, which should take only a few milliseconds. Returns: FALSE after the
   * last one. Must not free the server. */
  gboolean (*next)(gpointer data, GByteArray *reply); /* NULL: there is no rest */
  void (*free)(gpointer data);                        /* once it is done, or its client is gone */
  gpointer data;
} WireRest;

/* Answers one complete, valid message from a client. Must not free the server.
 * @bytes: the message's @message->size bytes. @reply: empty; append the reply to it. @rest: empty;
 * fill it in if the reply has a rest. If both stay empty, the connection is closed. */
typedef void (*WireHandler)(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                            WireRest *rest, gpointer user_data);

typedef struct {
  guint connections; /* one more closes the one that has made no progress for longest */
  gint64 idle_us;    /* between two messages */
  gint64 request_us; /* from a message's first byte to its last */
  gint64 reply_us;   /* from when the reply is complete until the client has taken it */
  guint rests;       /* replies made at the same time; more have to wait */
} WireLimits;

G_END_DECLS
