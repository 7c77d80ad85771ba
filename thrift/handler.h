/* How a server has calls answered, and within which limits. */
#pragma once

#include "thrift/message.h"

G_BEGIN_DECLS

/* The rest of a reply that takes long: made slice by slice, between which others are served. */
typedef struct {
  /* Appends some more to @reply; takes a few milliseconds. Returns: FALSE when that was the last of
   * it. Must not free the server. */
  gboolean (*next)(gpointer data, GByteArray *reply); /* NULL: there is no rest */
  void (*free)(gpointer data);                        /* when it is done, or its client has gone */
  gpointer data;
} WireRest;

/* Answers one complete, valid message from a client.
 * @bytes: the message's bytes, @message->size of them. @reply: empty; append the whole reply. Left
 * empty, the connection is closed. @rest: empty; filled in where @reply is only the beginning,
 * which may be nothing. Must not free the server. */
typedef void (*WireHandler)(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                            WireRest *rest, gpointer user_data);

typedef struct {
  guint connections; /* one more, and the one without progress for longest goes */
  gint64 idle_us;    /* between two messages */
  gint64 request_us; /* from a message's first byte to its last */
  gint64 reply_us;   /* from when the reply is whole until the client has taken it */
  guint rests;       /* replies that are made at the same time; more have to wait */
} WireLimits;

G_END_DECLS
