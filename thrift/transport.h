/* Joins checked messages and the generated code: a Thrift protocol over the bytes of one message.
 */
#pragma once

#include <thrift/c_glib/processor/thrift_processor.h>
#include <thrift/c_glib/protocol/thrift_protocol.h>

#include "thrift/message.h"

G_BEGIN_DECLS

GType wire_transport_get_type(void);

/* A binary protocol that reads @bytes and appends what is written to @written.
 * @bytes: borrowed, must outlive the protocol; wire_message_check() must have found it complete.
 * NULL with @length 0 when nothing is to be read. @written: borrowed likewise, or NULL when nothing
 * is to be written. Reading past the end is an error. Returns: (transfer full). */
ThriftProtocol *wire_protocol_new(const guint8 *bytes, gsize length, GByteArray *written);

/* Has a generated @processor answer one call.
 * @bytes: the call, @message->size of them. @reply: gets the whole reply appended; nothing for a
 * oneway call. A method that osquery's API does not have gets an exception (the generated
 * dispatcher would recurse for ever). A handler returns FALSE only with *error of
 * THRIFT_APPLICATION_EXCEPTION_ERROR set; the caller gets it as an exception. FALSE with @error
 * when the generated code refuses what the check let through; @reply is then as it was. */
gboolean wire_process(ThriftProcessor *processor, const guint8 *bytes, const WireMessage *message,
                      GByteArray *reply, GError **error);

G_END_DECLS
