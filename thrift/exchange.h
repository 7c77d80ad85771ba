/* One call and its reply, over a connection of its own. The generated client writes the one and
 * reads the other. client.h's calls are built on this. */
#pragma once

#include "thrift/message.h"
#include "thrift/peer.h"
#include "wire_extension_manager.h"

G_BEGIN_DECLS

typedef struct {
  GByteArray *call;
  GByteArray *reply;
  ThriftProtocol *out;
  ThriftProtocol *in; /* NULL until there is a reply */
  GObject *client; /* generated: WIRE_EXTENSION_IF, WIRE_EXTENSION_MANAGER_IF; holds no references
                      to the protocols */
  GError *failure; /* the generated code's, in its own domains */
} WireExchange;

WireExchange *wire_exchange_new(void);
void wire_exchange_free(WireExchange *exchange);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireExchange, wire_exchange_free)

/* Sends what the generated client wrote, and receives the reply for it to read. The reply must be
 * one to @method. Errors: those of client.h. */
gboolean wire_exchange_run(WireExchange *exchange, const WirePeer *peer, const char *method,
                           GError **error);

/* The second half of that: gives the client @message, which is in exchange->reply, to read. */
gboolean wire_exchange_take(WireExchange *exchange, const WireMessage *message, const char *method,
                            GError **error);

/* @ok: whether all steps succeeded. If not, sets @error to the generated code's error, if there is
 * one. Returns: @ok. */
gboolean wire_exchange_end(WireExchange *exchange, gboolean ok, GError **error);

/* Returns: FALSE with WIRE_ERROR_STATUS when @status is a failure. */
gboolean wire_check_status(const WireExtensionStatus *status, GError **error);

G_END_DECLS
