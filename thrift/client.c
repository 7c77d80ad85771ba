#include "thrift/client.h"

#include "thrift/exchange.h"
#include "thrift/text.h"

/* The SDK version that an extension states. osquery refuses versions below 1.7.7. Every osquery
 * since 5.0.0 has all that we use, such as colsUsed in a call's context. */
#define SDK_VERSION "5.0.0"

typedef WireExtensionStatus Status;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Status, g_object_unref)
typedef WireExtensionResponse Response;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Response, g_object_unref)
typedef WireInternalExtensionInfo Info;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Info, g_object_unref)

static void
entry_free(gpointer data)
{
  WireExtensionEntry *entry = data;
  g_free(entry->name);
  g_free(entry->version);
  g_free(entry);
}

GPtrArray *
wire_extensions(const WirePeer *peer, GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionManagerIf *client = WIRE_EXTENSION_MANAGER_IF(exchange->client);
  g_autoptr(GHashTable) infos =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_object_unref);
  const gboolean ok =
      wire_extension_manager_client_send_extensions(client, &exchange->failure) &&
      wire_exchange_run(exchange, peer, "extensions", error) &&
      wire_extension_manager_client_recv_extensions(client, &infos, &exchange->failure);
  if (!wire_exchange_end(exchange, ok, error))
    return NULL;

  GPtrArray *entries = g_ptr_array_new_with_free_func(entry_free);
  GHashTableIter iter;
  gpointer uuid, value;
  g_hash_table_iter_init(&iter, infos);
  while (g_hash_table_iter_next(&iter, &uuid, &value)) {
    const WireInternalExtensionInfo *info = value;
    WireExtensionEntry *entry = g_new0(WireExtensionEntry, 1);
    entry->uuid = *(const gint64 *)uuid;
    entry->name = wire_text_printable(info->name, WIRE_PEER_TEXT_MAX);
    entry->version = wire_text_printable(info->version, WIRE_PEER_TEXT_MAX);
    g_ptr_array_add(entries, entry);
  }
  return entries;
}

gint64
wire_register_extension(const WirePeer *peer, const char *name, const char *version,
                        const WireTable *tables, guint n_tables, GError **error)
{
  g_autoptr(Info) info =
      g_object_new(WIRE_TYPE_INTERNAL_EXTENSION_INFO, "name", name, "version", version,
                   "sdk_version", SDK_VERSION, "min_sdk_version", SDK_VERSION, NULL);
  g_autoptr(GHashTable) items =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  for (guint i = 0; i < n_tables; i++)
    g_hash_table_insert(items, g_strdup(tables[i].name), wire_table_route(&tables[i]));
  g_autoptr(GHashTable) registry = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert(registry, g_strdup("table"), items);

  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionManagerIf *client = WIRE_EXTENSION_MANAGER_IF(exchange->client);
  g_autoptr(Status) status = g_object_new(WIRE_TYPE_EXTENSION_STATUS, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_register_extension(client, info, registry,
                                                            &exchange->failure) &&
      wire_exchange_run(exchange, peer, "registerExtension", error) &&
      wire_extension_manager_client_recv_register_extension(client, &status, &exchange->failure);
  if (!wire_exchange_end(exchange, ok, error) || !wire_check_status(status, error))
    return -1;
  return status->uuid;
}

gboolean
wire_deregister_extension(const WirePeer *peer, gint64 uuid, GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionManagerIf *client = WIRE_EXTENSION_MANAGER_IF(exchange->client);
  g_autoptr(Status) status = g_object_new(WIRE_TYPE_EXTENSION_STATUS, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_deregister_extension(client, uuid, &exchange->failure) &&
      wire_exchange_run(exchange, peer, "deregisterExtension", error) &&
      wire_extension_manager_client_recv_deregister_extension(client, &status, &exchange->failure);
  return wire_exchange_end(exchange, ok, error) && wire_check_status(status, error);
}

GPtrArray *
wire_query(const WirePeer *peer, const char *sql, GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionManagerIf *client = WIRE_EXTENSION_MANAGER_IF(exchange->client);
  g_autoptr(Response) response = g_object_new(WIRE_TYPE_EXTENSION_RESPONSE, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_query(client, sql, &exchange->failure) &&
      wire_exchange_run(exchange, peer, "query", error) &&
      wire_extension_manager_client_recv_query(client, &response, &exchange->failure);
  if (!wire_exchange_end(exchange, ok, error) || !wire_check_status(response->status, error))
    return NULL;
  return g_steal_pointer(&response->response);
}

GHashTable *
wire_options(const WirePeer *peer, GError **error)
{
  g_autoptr(WireExchange) exchange = wire_exchange_new();
  WireExtensionManagerIf *client = WIRE_EXTENSION_MANAGER_IF(exchange->client);
  g_autoptr(GHashTable) infos =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
  const gboolean ok =
      wire_extension_manager_client_send_options(client, &exchange->failure) &&
      wire_exchange_run(exchange, peer, "options", error) &&
      wire_extension_manager_client_recv_options(client, &infos, &exchange->failure);
  if (!wire_exchange_end(exchange, ok, error))
    return NULL;

  GHashTable *options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer name, value;
  g_hash_table_iter_init(&iter, infos);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    const WireInternalOptionInfo *info = value;
    g_hash_table_insert(options, g_strdup(name), g_strdup(info->value != NULL ? info->value : ""));
  }
  return options;
}
