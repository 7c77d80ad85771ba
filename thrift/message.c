#include "thrift/message.h"

#include <string.h>

#define VERSION_1 0x8001u

/* These bound what a message costs once generated code has built it. A map becomes a hash table,
 * which takes quadratic time if its keys are chosen to collide. Even an empty container takes some
 * 250 bytes, so a few megabytes of empty ones would become hundreds. An extension with 250 tables
 * registers with about 10,000 containers; the core has about 400 options; SQLite allows 2,000
 * columns. */
static const struct {
  gsize bytes;
  guint32 map_entries;
  guint32 containers;
} LIMITS[] = {
    [WIRE_FROM_CLIENT] = {WIRE_CALL_BYTES_MAX, 256, 1u << 15},
    [WIRE_FROM_SERVER] = {WIRE_REPLY_BYTES_MAX, 2048, 1u << 21},
};

/* The fewest bytes that a value takes on the wire, by type; 0: no such type. */
static const guint8 LEAST[] = {
    [WIRE_BOOL] = 1, [WIRE_BYTE] = 1, [WIRE_DOUBLE] = 8, [WIRE_I16] = 2,
    [WIRE_I32] = 4,  [WIRE_I64] = 8,  [WIRE_STRING] = 4, [WIRE_STRUCT] = 1,
    [WIRE_MAP] = 6,  [WIRE_SET] = 5,  [WIRE_LIST] = 5,
};

static guint
least_bytes(guint8 type)
{
  return type < G_N_ELEMENTS(LEAST) ? LEAST[type] : 0;
}

static guint32
read_u32(const guint8 *bytes)
{
  return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 | bytes[3];
}

static gboolean
fail(WireWalk *walk, const char *problem)
{
  walk->verdict = WIRE_INVALID;
  walk->message.problem = problem;
  return FALSE;
}

/* Whether the bytes up to @end are there. A message that can't end within its limit is invalid at
 * once. */
static gboolean
reaches(WireWalk *walk, gsize length, gsize end)
{
  if (end > LIMITS[walk->direction].bytes)
    return fail(walk, "it is longer than allowed");
  return end <= length;
}

static gboolean
push(WireWalk *walk, const WireShape *shape, guint8 type)
{
  if (walk->depth == WIRE_DEPTH_MAX)
    return fail(walk, "it is nested too deep");
  walk->frames[walk->depth++] = (WireFrame){.shape = shape, .type = type};
  return TRUE;
}

static gboolean
walk_header(WireWalk *walk, const guint8 *bytes, gsize length)
{
  WireMessage *message = &walk->message;
  if (!reaches(walk, length, 4))
    return FALSE;
  if (read_u32(bytes) >> 16 != VERSION_1 || bytes[2] != 0)
    return fail(walk, "it has no strict header");
  const guint8 type = bytes[3];
  message->exception = type == WIRE_MESSAGE_EXCEPTION;
  message->oneway = type == WIRE_MESSAGE_ONEWAY;
  if (walk->direction == WIRE_FROM_CLIENT
          ? type != WIRE_MESSAGE_CALL && type != WIRE_MESSAGE_ONEWAY
          : type != WIRE_MESSAGE_REPLY && type != WIRE_MESSAGE_EXCEPTION)
    return fail(walk, "its type is not for this direction");

  if (!reaches(walk, length, 8))
    return FALSE;
  const guint32 name_length = read_u32(bytes + 4);
  if (name_length == 0 || name_length > WIRE_METHOD_MAX)
    return fail(walk, "its method's name is empty or too long");
  const gsize end = 8 + (gsize)name_length + 4;
  if (!reaches(walk, length, end))
    return FALSE;
  if (memchr(bytes + 8, 0, name_length) != NULL)
    return fail(walk, "its method's name has a NUL");
  memcpy(message->method, bytes + 8, name_length);
  message->seqid = (gint32)read_u32(bytes + 8 + name_length);

  const WireShape *shape = wire_shape_of_method(message->method, walk->direction);
  message->known = shape != NULL;
  walk->at = end;
  return push(walk, message->exception ? wire_shape_of_exception() : shape, WIRE_STRUCT);
}

/* Enters the map, set or list whose header is at @at, and moves past the header. */
static gboolean
walk_container(WireWalk *walk, const guint8 *bytes, gsize length, gsize at, const WireShape *shape,
               guint8 type)
{
  const gsize types = type == WIRE_MAP ? 2 : 1;
  const gsize begin = at + types + 4;
  if (!reaches(walk, length, begin))
    return FALSE;
  const guint8 first = bytes[at];
  const guint8 second = type == WIRE_MAP ? bytes[at + 1] : first;
  const guint32 count = read_u32(bytes + at + types);
  if (least_bytes(first) == 0 || least_bytes(second) == 0)
    return fail(walk, "a container's values have an unknown type");
  if (shape != NULL &&
      (second != shape->value->type || (shape->key != NULL && first != shape->key->type)))
    return fail(walk, "a container's values have another type than osquery's");
  const guint64 entry_bytes = least_bytes(first) + (type == WIRE_MAP ? least_bytes(second) : 0);
  if (count * entry_bytes > LIMITS[walk->direction].bytes - begin)
    return fail(walk, "a container claims more values than fit");
  if (type == WIRE_MAP && count > LIMITS[walk->direction].map_entries)
    return fail(walk, "a map has too many entries");
  if (++walk->containers > LIMITS[walk->direction].containers)
    return fail(walk, "it has too many maps and lists");
  if (!push(walk, shape, type))
    return FALSE;
  WireFrame *frame = &walk->frames[walk->depth - 1];
  frame->left = type == WIRE_MAP ? 2 * count : count;
  frame->types[0] = first;
  frame->types[1] = second;
  walk->at = begin;
  return TRUE;
}

static gboolean
walk_string(WireWalk *walk, const guint8 *bytes, gsize length, gsize at, const WireShape *shape,
            gboolean key)
{
  if (!reaches(walk, length, at + 4))
    return FALSE;
  const guint32 size = read_u32(bytes + at);
  const gsize end = at + 4 + (gsize)size;
  if (!reaches(walk, length, end))
    return FALSE;
  if (shape != NULL && memchr(bytes + at + 4, 0, size) != NULL)
    return fail(walk, "a text has a NUL");
  /* No column, option or key of a request has an empty name. */
  if (shape != NULL && key && size == 0)
    return fail(walk, "a map has an empty key");
  walk->at = end;
  return TRUE;
}

/* Moves past the value at @at, or into it if it is a container or a struct. */
static gboolean
walk_value(WireWalk *walk, const guint8 *bytes, gsize length, gsize at, const WireShape *shape,
           guint8 type, gboolean key)
{
  switch (type) {
  case WIRE_STRING:
    return walk_string(walk, bytes, length, at, shape, key);
  case WIRE_MAP:
  case WIRE_SET:
  case WIRE_LIST:
    return walk_container(walk, bytes, length, at, shape, type);
  case WIRE_STRUCT:
    if (!push(walk, shape, WIRE_STRUCT))
      return FALSE;
    walk->at = at;
    return TRUE;
  default: /* types of fixed size */
    if (!reaches(walk, length, at + least_bytes(type)))
      return FALSE;
    walk->at = at + least_bytes(type);
    return TRUE;
  }
}

static gboolean
walk_field(WireWalk *walk, const guint8 *bytes, gsize length)
{
  WireFrame *frame = &walk->frames[walk->depth - 1];
  const WireShape *shape = frame->shape;
  if (!reaches(walk, length, walk->at + 1))
    return FALSE;
  const guint8 type = bytes[walk->at];
  if (type == WIRE_STOP) {
    /* Field 0 is a result. Generated code takes its absence for success. */
    if (shape != NULL && shape->n_fields > 0 && shape->fields[0] != NULL && (frame->seen & 1) == 0)
      return fail(walk, "it has no result");
    walk->at++;
    walk->depth--;
    if (walk->depth == 0) {
      walk->message.size = walk->at;
      walk->verdict = WIRE_COMPLETE;
    }
    return TRUE;
  }
  if (least_bytes(type) == 0)
    return fail(walk, "a field has an unknown type");
  if (!reaches(walk, length, walk->at + 3))
    return FALSE;
  const guint id = (guint)bytes[walk->at + 1] << 8 | bytes[walk->at + 2];
  const WireShape *expected = NULL;
  guint32 seen = 0;
  if (shape != NULL && id < shape->n_fields && shape->fields[id] != NULL) {
    expected = shape->fields[id];
    seen = 1u << id;
    if (expected->type != type)
      return fail(walk, "a field has another type than osquery's");
    /* Generated readers leak or mix the values of a field that comes twice. */
    if ((frame->seen & seen) != 0)
      return fail(walk, "a field is there twice");
  }
  if (!walk_value(walk, bytes, length, walk->at + 3, expected, type, FALSE))
    return FALSE;
  frame->seen |= seen;
  return TRUE;
}

static gboolean
walk_entry(WireWalk *walk, const guint8 *bytes, gsize length)
{
  WireFrame *frame = &walk->frames[walk->depth - 1];
  if (frame->left == 0) {
    walk->depth--;
    return TRUE;
  }
  const WireShape *shape = frame->shape;
  const gboolean key = frame->type == WIRE_MAP && frame->left % 2 == 0;
  const WireShape *expected = shape == NULL ? NULL : key ? shape->key : shape->value;
  const guint8 type = frame->types[0];
  if (!walk_value(walk, bytes, length, walk->at, expected, type, key))
    return FALSE;
  frame->left--;
  frame->types[0] = frame->types[1];
  frame->types[1] = type;
  return TRUE;
}

void
wire_walk_begin(WireWalk *walk, WireDirection direction)
{
  *walk = (WireWalk){.direction = direction, .verdict = WIRE_INCOMPLETE};
}

WireVerdict
wire_walk_on(WireWalk *walk, const guint8 *bytes, gsize length)
{
  /* A step is taken whole or not at all, so that the next call can repeat it. */
  gboolean going = TRUE;
  while (walk->verdict == WIRE_INCOMPLETE && going) {
    if (walk->at == 0)
      going = walk_header(walk, bytes, length);
    else if (walk->frames[walk->depth - 1].type == WIRE_STRUCT)
      going = walk_field(walk, bytes, length);
    else
      going = walk_entry(walk, bytes, length);
  }
  return walk->verdict;
}
