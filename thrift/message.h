/* Checks bytes that came from a socket, so that only whole, valid messages reach generated code.
 * Pure.
 *
 * The bytes are strict TBinaryProtocol, unframed. The walk neither recurses nor allocates. It
 * checks every length against the bytes allowed before it uses it. */
#pragma once

#include "thrift/shape.h"

G_BEGIN_DECLS

typedef enum {
  WIRE_INCOMPLETE, /* valid so far; needs more bytes */
  WIRE_INVALID,
  WIRE_COMPLETE,
} WireVerdict;

#define WIRE_METHOD_MAX 64
/* The most bytes in one message from a client, and in one reply from a server. */
#define WIRE_CALL_BYTES_MAX (4u << 20)
#define WIRE_REPLY_BYTES_MAX (64u << 20)

typedef struct {
  gsize size;         /* in bytes, once complete */
  gboolean exception; /* T_EXCEPTION */
  gboolean oneway;    /* T_ONEWAY: wants no reply */
  gboolean known;     /* osquery's API has the method */
  char method[WIRE_METHOD_MAX + 1];
  gint32 seqid;
  const char *problem; /* static: why it is invalid; NULL otherwise */
} WireMessage;

/* How deep values may nest, including the message's own struct. */
#define WIRE_DEPTH_MAX 16

/* A struct, map, set or list that the walk is in. */
typedef struct {
  const WireShape *shape; /* NULL: not in osquery.thrift; anything well-formed is valid */
  guint32 left;           /* values still to come; unused in a struct */
  guint32 seen;           /* in a struct: bit i is set once field i was there */
  guint8 type;            /* WIRE_STRUCT, WIRE_MAP, WIRE_SET or WIRE_LIST */
  guint8 types[2];        /* of the next value, and of the one after it */
} WireFrame;

/* A walk through one message whose bytes come in pieces. It continues where the bytes ended, so
 * each byte is looked at once. Others read only @message, which is filled in as far as known. */
typedef struct {
  WireMessage message;
  WireDirection direction;
  WireVerdict verdict;
  gsize at;           /* everything before is checked */
  guint32 containers; /* maps and lists so far */
  guint depth;        /* frames in use */
  WireFrame frames[WIRE_DEPTH_MAX];
} WireWalk;

void wire_walk_begin(WireWalk *walk, WireDirection direction);

/* A known method must have the shape that osquery.thrift gives it. Any other method only has to be
 * well-formed, because the server answers it with an error.
 * @bytes: the message from its start; may have moved and grown since the last call. */
WireVerdict wire_walk_on(WireWalk *walk, const guint8 *bytes, gsize length);

G_END_DECLS
