/* A Thrift protocol over the bytes of a checked message, for generated code. */
#pragma once

#include <thrift/c_glib/protocol/thrift_protocol.h>

G_BEGIN_DECLS

GType wire_transport_get_type(void);

/* A binary protocol that reads from @bytes and appends to @written. Both are borrowed and must
 * outlive it. Reading past the end is an error.
 * @bytes: one message that the walk of message.h found complete; NULL with @length 0 when nothing
 * is to be read. @written: NULL when nothing is to be written. Returns: (transfer full). */
ThriftProtocol *wire_protocol_new(const guint8 *bytes, gsize length, GByteArray *written);

G_END_DECLS
