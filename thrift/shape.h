/* osquery.thrift as data: the shape of each method's arguments and of its result. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WIRE_FROM_CLIENT, /* T_CALL or T_ONEWAY, the arguments of a method */
  WIRE_FROM_SERVER, /* T_REPLY or T_EXCEPTION, the result of a method */
} WireDirection;

/* The type bytes that TBinaryProtocol puts on the wire. */
typedef enum {
  WIRE_STOP = 0,
  WIRE_BOOL = 2,
  WIRE_BYTE = 3,
  WIRE_DOUBLE = 4,
  WIRE_I16 = 6,
  WIRE_I32 = 8,
  WIRE_I64 = 10,
  WIRE_STRING = 11,
  WIRE_STRUCT = 12,
  WIRE_MAP = 13,
  WIRE_SET = 14,
  WIRE_LIST = 15,
} WireType;

/* The type byte of a message's header. */
enum {
  WIRE_MESSAGE_CALL = 1,
  WIRE_MESSAGE_REPLY = 2,
  WIRE_MESSAGE_EXCEPTION = 3,
  WIRE_MESSAGE_ONEWAY = 4,
};

typedef struct WireShape WireShape;
struct WireShape {
  WireType type;
  const WireShape *key;           /* of a map */
  const WireShape *value;         /* of a map or list */
  const WireShape *const *fields; /* of a struct: by field id; NULL where osquery has none */
  guint n_fields;                 /* at most 32 */
};

/* Returns: @method's arguments (WIRE_FROM_CLIENT) or result (WIRE_FROM_SERVER); NULL when osquery's
 * API has no such method. */
const WireShape *wire_shape_of_method(const char *method, WireDirection direction);

/* The struct of a T_EXCEPTION. */
const WireShape *wire_shape_of_exception(void);

G_END_DECLS
