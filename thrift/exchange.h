/* One call over a connection of its own, and its reply, with the generated client that writes the
 * one and reads the other. The calls of client.h are made of this. */
#pragma once

#include "thrift/message.h"
#include "thrift/peer.h"
#include "wire_extension_manager.h"

G_BEGIN_DECLS

typedef struct {
  GByteArray *call;
  GByteArray *reply;
  ThriftProtocol *out;
  ThriftProtocol *in; /* once there is a reply */
  GObject *client;    /* holds no references on the protocols */
  GError *failure;    /* of the generated code, in domains of its own */
} WireExchange;

WireExchange *wire_exchange_new(void);
void wire_exchange_free(WireExchange *exchange);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireExchange, wire_exchange_free)

WireExtensionIf *wire_exchange_extension(WireExchange *exchange);
WireExtensionManagerIf *wire_exchange_manager(WireExchange *exchange);

/* Sends what the generated client wrote, and lets it read the reply if that is one to @method.
 * Errors: those of client.h. */
gboolean wire_exchange_run(WireExchange *exchange, const WirePeer *peer, const char *method,
                           GError **error);

/* The second half of that, when @message is there, in exchange->reply. */
gboolean wire_exchange_take(WireExchange *exchange, const WireMessage *message, const char *method,
                            GError **error);

/* @ok: whether all steps went well. Sets @error to the generated code's complaint, if it had one.
 * Returns: @ok. */
gboolean wire_exchange_end(WireExchange *exchange, gboolean ok, GError **error);

/* Returns: FALSE with WIRE_ERROR_STATUS when @status is a failure. */
gboolean wire_check_status(const WireExtensionStatus *status, GError **error);

G_END_DECLS
