/* Looks at the bytes of one message in one go. */
#pragma once

#include "thrift/message.h"

/* @message: filled as far as known. */
static inline WireVerdict
check_message(const guint8 *bytes, gsize length, WireDirection direction, WireMessage *message)
{
  WireWalk walk;
  wire_walk_begin(&walk, direction);
  const WireVerdict verdict = wire_walk_on(&walk, bytes, length);
  *message = walk.message;
  return verdict;
}
