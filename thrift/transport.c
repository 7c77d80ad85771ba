#include "thrift/transport.h"

#include <string.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_transport.h>

/* The library's ThriftMemoryBuffer takes quadratic time, because each read erases from the front.
 * It also can't write more than a size fixed in advance. */
typedef struct {
  ThriftTransport parent;
  const guint8 *bytes;
  gsize length;
  gsize at;
  GByteArray *written;
} WireTransport;

typedef struct {
  ThriftTransportClass parent;
} WireTransportClass;

G_DEFINE_TYPE(WireTransport, wire_transport, THRIFT_TYPE_TRANSPORT)

static WireTransport *
wire_transport(ThriftTransport *transport)
{
  return G_TYPE_CHECK_INSTANCE_CAST(transport, wire_transport_get_type(), WireTransport);
}

static gboolean
always_open(ThriftTransport *transport)
{
  (void)transport;
  return TRUE;
}

static gboolean
nothing_to_do(ThriftTransport *transport, GError **error)
{
  (void)transport;
  (void)error;
  return TRUE;
}

/* For the hooks that count bytes towards the library's own limit: ours are checked already. */
static gboolean
known_size(ThriftTransport *transport, glong size, GError **error)
{
  (void)transport;
  (void)size;
  (void)error;
  return TRUE;
}

static gboolean
has_bytes(ThriftTransport *transport, glong count, GError **error)
{
  const WireTransport *self = wire_transport(transport);
  if (count >= 0 && (gsize)count <= self->length - self->at)
    return TRUE;
  g_set_error_literal(error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_RECEIVE,
                      "the message ends too early");
  return FALSE;
}

/* Reads all or fails, because the library retries a read of 0 bytes for ever. */
static gint32
read_bytes(ThriftTransport *transport, gpointer buffer, guint32 count, GError **error)
{
  WireTransport *self = wire_transport(transport);
  if (count > G_MAXINT32 || !has_bytes(transport, (glong)count, error))
    return -1;
  memcpy(buffer, self->bytes + self->at, count);
  self->at += count;
  return (gint32)count;
}

/* The signature is the library's: its const doesn't apply to the bytes. */
static gboolean
write_bytes(ThriftTransport *transport, const gpointer bytes, const guint32 count, GError **error)
{
  WireTransport *self = wire_transport(transport);
  if (self->written == NULL) {
    g_set_error_literal(error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_SEND,
                        "nothing is to be written");
    return FALSE;
  }
  if (count > 0)
    g_byte_array_append(self->written, bytes, count);
  return TRUE;
}

static void
wire_transport_class_init(WireTransportClass *class)
{
  ThriftTransportClass *transport = &class->parent;
  transport->is_open = always_open;
  transport->open = nothing_to_do;
  transport->close = nothing_to_do;
  transport->read = read_bytes;
  transport->read_all = read_bytes;
  transport->read_end = nothing_to_do;
  transport->write = write_bytes;
  transport->write_end = nothing_to_do;
  transport->flush = nothing_to_do;
  transport->updateKnownMessageSize = known_size;
  transport->checkReadBytesAvailable = has_bytes;
  transport->resetConsumedMessageSize = known_size;
  transport->countConsumedMessageBytes = known_size;
}

static void
wire_transport_init(WireTransport *self)
{
  (void)self;
}

ThriftProtocol *
wire_protocol_new(const guint8 *bytes, gsize length, GByteArray *written)
{
  WireTransport *transport = g_object_new(wire_transport_get_type(), NULL);
  transport->bytes = bytes;
  transport->length = length;
  transport->written = written;
  ThriftProtocol *protocol =
      g_object_new(THRIFT_TYPE_BINARY_PROTOCOL, "transport", transport, NULL);
  g_object_unref(transport);
  return protocol;
}
