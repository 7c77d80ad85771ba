#include "tests/stand-in/calls.h"

#include "thrift/exchange.h"

typedef WireExtensionStatus Status;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Status, g_object_unref)
typedef WireExtensionResponse Response;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Response, g_object_unref)

gboolean
stand_ping(const WirePeer *peer, GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionIf *client = WIRE_EXTENSION_IF(exchange->client);
  g_autoptr(Status) status = g_object_new(WIRE_TYPE_EXTENSION_STATUS, NULL);
  const gboolean ok = wire_extension_client_send_ping(client, &exchange->failure) &&
                      wire_exchange_run(exchange, peer, "ping", error) &&
                      wire_extension_client_recv_ping(client, &status, &exchange->failure);
  return wire_exchange_end(exchange, ok, error) && wire_check_status(status, error);
}

static GPtrArray *
take_rows(WireExtensionResponse *response, GError **error)
{
  return wire_check_status(response->status, error) ? g_steal_pointer(&response->response) : NULL;
}

GPtrArray *
stand_call(const WirePeer *peer, const char *registry, const char *item, GHashTable *request,
           GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionIf *client = WIRE_EXTENSION_IF(exchange->client);
  g_autoptr(Response) response = g_object_new(WIRE_TYPE_EXTENSION_RESPONSE, NULL);
  const gboolean ok =
      wire_extension_client_send_call(client, registry, item, request, &exchange->failure) &&
      wire_exchange_run(exchange, peer, "call", error) &&
      wire_extension_client_recv_call(client, &response, &exchange->failure);
  return wire_exchange_end(exchange, ok, error) ? take_rows(response, error) : NULL;
}

gboolean
stand_shutdown(const WirePeer *peer, GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionIf *client = WIRE_EXTENSION_IF(exchange->client);
  const gboolean ok = wire_extension_client_send_shutdown(client, &exchange->failure) &&
                      wire_exchange_run(exchange, peer, "shutdown", error) &&
                      wire_extension_client_recv_shutdown(client, &exchange->failure);
  return wire_exchange_end(exchange, ok, error);
}

GPtrArray *
stand_query_columns(const WirePeer *peer, const char *sql, GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionManagerIf *client = WIRE_EXTENSION_MANAGER_IF(exchange->client);
  g_autoptr(Response) response = g_object_new(WIRE_TYPE_EXTENSION_RESPONSE, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_get_query_columns(client, sql, &exchange->failure) &&
      wire_exchange_run(exchange, peer, "getQueryColumns", error) &&
      wire_extension_manager_client_recv_get_query_columns(client, &response, &exchange->failure);
  return wire_exchange_end(exchange, ok, error) ? take_rows(response, error) : NULL;
}
