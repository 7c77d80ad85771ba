#include "thrift/peer.h"

G_DEFINE_QUARK(wire - error, wire_error)
