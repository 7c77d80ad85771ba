/* A pure check of bytes that came from a socket: only whole, valid messages reach generated code.
 *
 * Strict TBinaryProtocol, unframed. The walk does not recurse and does not allocate; every length
 * is checked against the bytes allowed before it is believed. */
#pragma once

#include "thrift/shape.h"

G_BEGIN_DECLS

typedef enum {
  WIRE_INCOMPLETE, /* so far valid; more bytes are needed */
  WIRE_INVALID,
  WIRE_COMPLETE,
} WireVerdict;

#define WIRE_METHOD_MAX 64
/* The most bytes of one message from a client, and of one reply from a server. */
#define WIRE_CALL_BYTES_MAX (4u << 20)
#define WIRE_REPLY_BYTES_MAX (64u << 20)

typedef struct {
  gsize size;         /* bytes of the message when complete */
  gboolean exception; /* T_EXCEPTION */
  gboolean oneway;    /* T_ONEWAY: wants no reply */
  gboolean known;     /* the method is one of osquery's API */
  char method[WIRE_METHOD_MAX + 1];
  gint32 seqid;
  const char *problem; /* static: why it is invalid; NULL otherwise */
} WireMessage;

/* Depth of nested values, the message's own struct included. */
#define WIRE_DEPTH_MAX 16

/* The walk through one message, for bytes that come in pieces: it goes on where the bytes ended, so
 * that a message costs its length once, however it drips in. Others read only @message, which is
 * filled as far as known. */
typedef struct {
  WireMessage message;
  WireDirection direction;
  WireVerdict verdict;
  gsize at;           /* everything before is checked */
  guint32 containers; /* maps and lists so far */
  guint depth;        /* of frames in use */
  struct {
    const WireShape *shape; /* NULL: unknown to osquery.thrift, anything well-formed goes */
    guint32 left;           /* values still to come; of a struct: unused */
    guint32 seen;           /* of a struct: bit i: field i was there */
    guint8 type;            /* of a struct, map, set or list */
    guint8 types[2];        /* of the next value and of the one after it */
  } frames[WIRE_DEPTH_MAX];
} WireWalk;

void wire_walk_begin(WireWalk *walk, WireDirection direction);

/* A known method must have the shape that osquery.thrift gives it. A method that osquery's API does
 * not have is complete when it is well-formed: the server answers it with an error.
 * @bytes: the message from its start; may have moved and grown since the last time. */
WireVerdict wire_walk_on(WireWalk *walk, const guint8 *bytes, gsize length);

G_END_DECLS
