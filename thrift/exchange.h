/* One call over a connection of its own, and its reply, with the generated client that writes the
 * one and reads the other. Inside thrift/ only. */
#pragma once

#include "thrift/client.h"
#include "wire_extension_manager.h"

G_BEGIN_DECLS

/* The most of a peer's own words that gets into an error. */
#define WIRE_PEER_TEXT_MAX 512

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

/* Sends what the generated client wrote, and lets it read the reply if that is one to @method. */
gboolean wire_exchange_run(WireExchange *exchange, const WirePeer *peer, const char *method,
                           GError **error);

/* The second half of that, when @message is there, in exchange->reply. */
gboolean wire_exchange_take(WireExchange *exchange, const WireMessage *message, const char *method,
                            GError **error);

/* @ok: whether all steps went well. Tells what the generated code complained about, if it did. */
gboolean wire_exchange_end(WireExchange *exchange, gboolean ok, GError **error);

gboolean wire_check_status(const WireExtensionStatus *status, GError **error);

/* The pid of who listens at the other end; 0: the system doesn't tell. */
gint64 wire_peer_pid(GSocket *socket);

G_END_DECLS
