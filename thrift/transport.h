/* Joins checked messages and the generated code: a Thrift protocol over the bytes of one message.
 */
#pragma once

#include <thrift/c_glib/protocol/thrift_protocol.h>

G_BEGIN_DECLS

GType wire_transport_get_type(void);

/* A binary protocol that reads @bytes and appends what is written to @written.
 * @bytes: borrowed, must outlive the protocol; one message that the walk of message.h found
 * complete. NULL with @length 0 when nothing is to be read. @written: borrowed likewise, or NULL
 * when nothing is to be written. Reading past the end is an error. Returns: (transfer full). */
ThriftProtocol *wire_protocol_new(const guint8 *bytes, gsize length, GByteArray *written);

G_END_DECLS
