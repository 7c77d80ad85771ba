#include "thrift/exchange.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "thrift/socket.h"
#include "thrift/text.h"
#include "thrift/transport.h"

WireExchange *
wire_exchange_new(void)
{
  WireExchange *exchange = g_new0(WireExchange, 1);
  exchange->call = g_byte_array_new();
  exchange->reply = g_byte_array_new();
  exchange->out = wire_protocol_new(NULL, 0, exchange->call);
  exchange->client =
      g_object_new(WIRE_TYPE_EXTENSION_MANAGER_CLIENT, "output_protocol", exchange->out, NULL);
  return exchange;
}

void
wire_exchange_free(WireExchange *exchange)
{
  g_clear_error(&exchange->failure);
  g_object_unref(exchange->client);
  g_clear_object(&exchange->in);
  g_object_unref(exchange->out);
  g_byte_array_unref(exchange->reply);
  g_byte_array_unref(exchange->call);
  g_free(exchange);
}

static void
set_peer_error(GError **error, WireError code, const char *text)
{
  g_autofree char *line = wire_text_printable(text, WIRE_PEER_TEXT_MAX);
  g_set_error_literal(error, WIRE_ERROR, code, *line != '\0' ? line : "the peer gave no reason");
}

/* Sets @error to the exception that the peer answered with. */
static void
read_exception(WireExchange *exchange, GError **error)
{
  g_autoptr(GObject) exception = g_object_new(THRIFT_TYPE_APPLICATION_EXCEPTION, NULL);
  g_autofree char *method = NULL;
  g_autofree char *text = NULL;
  ThriftMessageType type;
  gint32 seqid;
  if (thrift_protocol_read_message_begin(exchange->in, &method, &type, &seqid, NULL) >= 0 &&
      thrift_struct_read(THRIFT_STRUCT(exception), exchange->in, NULL) >= 0)
    g_object_get(exception, "message", &text, NULL);
  set_peer_error(error, WIRE_ERROR_EXCEPTION, text);
}

gboolean
wire_exchange_take(WireExchange *exchange, const WireMessage *message, const char *method,
                   GError **error)
{
  /* The generated client gives every call the number 0. */
  if (strcmp(message->method, method) != 0 || message->seqid != 0) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the peer's reply is to another call");
    return FALSE;
  }
  exchange->in = wire_protocol_new(exchange->reply->data, message->size, NULL);
  g_object_set(exchange->client, "input_protocol", exchange->in, NULL);
  if (message->exception)
    read_exception(exchange, error);
  return !message->exception;
}

gboolean
wire_exchange_run(WireExchange *exchange, const WirePeer *peer, const char *method, GError **error)
{
  g_autoptr(GSocket) socket = wire_connect(peer->path, peer->deadline_us, peer->cancellable, error);
  WireMessage message;
  if (socket == NULL)
    return FALSE;
  if (peer->pid != NULL)
    *peer->pid = wire_socket_peer_pid(socket);
  return wire_send(socket, exchange->call->data, exchange->call->len, peer->deadline_us,
                   peer->cancellable, error) &&
         wire_receive(socket, WIRE_FROM_SERVER, peer->deadline_us, peer->cancellable,
                      exchange->reply, &message, error) &&
         wire_exchange_take(exchange, &message, method, error);
}

gboolean
wire_exchange_end(WireExchange *exchange, gboolean ok, GError **error)
{
  if (!ok && exchange->failure != NULL)
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "Thrift's code refuses it: %s",
                exchange->failure->message);
  return ok;
}

gboolean
wire_check_status(const WireExtensionStatus *status, GError **error)
{
  if (status->code == 0)
    return TRUE;
  set_peer_error(error, WIRE_ERROR_STATUS, status->message);
  return FALSE;
}
