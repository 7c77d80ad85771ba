#include "thrift/client.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "thrift/socket.h"
#include "thrift/text.h"
#include "thrift/transport.h"
#include "wire_extension_manager.h"

/* The most of a peer's own words that gets into an error. */
#define PEER_TEXT_MAX 512

/* What an extension says of its SDK. osquery refuses those below 1.7.7; everything that we speak
 * (the call's context with its colsUsed among it) is in every osquery since 5.0.0. */
#define SDK_VERSION "5.0.0"

G_DEFINE_QUARK(wire - error, wire_error)

typedef WireExtensionStatus Status;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Status, g_object_unref)
typedef WireExtensionResponse Response;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Response, g_object_unref)
typedef WireInternalExtensionInfo Info;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Info, g_object_unref)

/* One call and its reply, and the generated client that writes the one and reads the other. */
typedef struct {
  GByteArray *call;
  GByteArray *reply;
  ThriftProtocol *out;
  ThriftProtocol *in; /* once there is a reply */
  GObject *client;    /* holds no references on the protocols */
  GError *failure;    /* of the generated code, in domains of its own */
} Exchange;

static Exchange *
exchange_new(void)
{
  Exchange *exchange = g_new0(Exchange, 1);
  exchange->call = g_byte_array_new();
  exchange->reply = g_byte_array_new();
  exchange->out = wire_protocol_new(NULL, 0, exchange->call);
  exchange->client =
      g_object_new(WIRE_TYPE_EXTENSION_MANAGER_CLIENT, "output_protocol", exchange->out, NULL);
  return exchange;
}

static void
exchange_free(Exchange *exchange)
{
  g_clear_error(&exchange->failure);
  g_object_unref(exchange->client);
  g_clear_object(&exchange->in);
  g_object_unref(exchange->out);
  g_byte_array_unref(exchange->reply);
  g_byte_array_unref(exchange->call);
  g_free(exchange);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Exchange, exchange_free)

static WireExtensionIf *
as_extension(Exchange *exchange)
{
  return WIRE_EXTENSION_IF(exchange->client);
}

static WireExtensionManagerIf *
as_manager(Exchange *exchange)
{
  return WIRE_EXTENSION_MANAGER_IF(exchange->client);
}

static void
set_peer_error(GError **error, WireError code, const char *text)
{
  g_autofree char *line = wire_text_printable(text, PEER_TEXT_MAX);
  g_set_error_literal(error, WIRE_ERROR, code, *line != '\0' ? line : "the peer gave no reason");
}

/* Puts the exception that the peer answered with into @error. */
static void
read_exception(Exchange *exchange, GError **error)
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

/* Sends what the generated client wrote, and lets it read the reply if that is one to @method. */
static gboolean
exchange_run(Exchange *exchange, const WirePeer *peer, const char *method, GError **error)
{
  g_autoptr(GSocket) socket = wire_connect(peer->path, peer->deadline_us, peer->cancellable, error);
  WireMessage message;
  if (socket == NULL ||
      !wire_send(socket, exchange->call->data, exchange->call->len, peer->deadline_us,
                 peer->cancellable, error) ||
      !wire_receive(socket, WIRE_FROM_SERVER, peer->deadline_us, peer->cancellable, exchange->reply,
                    &message, error))
    return FALSE;
  /* The generated client numbers every call 0. */
  if (strcmp(message.method, method) != 0 || message.seqid != 0) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the peer's reply is to another call");
    return FALSE;
  }
  exchange->in = wire_protocol_new(exchange->reply->data, message.size, NULL);
  g_object_set(exchange->client, "input_protocol", exchange->in, NULL);
  if (message.exception)
    read_exception(exchange, error);
  return !message.exception;
}

/* @ok: whether all steps went well. Tells what the generated code complained about, if it did. */
static gboolean
exchange_end(Exchange *exchange, gboolean ok, GError **error)
{
  if (!ok && exchange->failure != NULL)
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "Thrift's code refuses it: %s",
                exchange->failure->message);
  return ok;
}

static gboolean
check_status(const WireExtensionStatus *status, GError **error)
{
  if (status->code == 0)
    return TRUE;
  set_peer_error(error, WIRE_ERROR_STATUS, status->message);
  return FALSE;
}

/* --- what both sides answer --- */

gboolean
wire_ping(const WirePeer *peer, GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionIf *client = as_extension(exchange);
  g_autoptr(Status) status = g_object_new(WIRE_TYPE_EXTENSION_STATUS, NULL);
  const gboolean ok = wire_extension_client_send_ping(client, &exchange->failure) &&
                      exchange_run(exchange, peer, "ping", error) &&
                      wire_extension_client_recv_ping(client, &status, &exchange->failure);
  return exchange_end(exchange, ok, error) && check_status(status, error);
}

/* --- asked of an extension --- */

static GPtrArray *
take_rows(WireExtensionResponse *response, GError **error)
{
  return check_status(response->status, error) ? g_steal_pointer(&response->response) : NULL;
}

GPtrArray *
wire_call(const WirePeer *peer, const char *registry, const char *item, GHashTable *request,
          GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionIf *client = as_extension(exchange);
  g_autoptr(Response) response = g_object_new(WIRE_TYPE_EXTENSION_RESPONSE, NULL);
  const gboolean ok =
      wire_extension_client_send_call(client, registry, item, request, &exchange->failure) &&
      exchange_run(exchange, peer, "call", error) &&
      wire_extension_client_recv_call(client, &response, &exchange->failure);
  return exchange_end(exchange, ok, error) ? take_rows(response, error) : NULL;
}

gboolean
wire_shutdown(const WirePeer *peer, GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionIf *client = as_extension(exchange);
  const gboolean ok = wire_extension_client_send_shutdown(client, &exchange->failure) &&
                      exchange_run(exchange, peer, "shutdown", error) &&
                      wire_extension_client_recv_shutdown(client, &exchange->failure);
  return exchange_end(exchange, ok, error);
}

/* --- asked of an extension manager --- */

void
wire_extension_entry_free(WireExtensionEntry *entry)
{
  g_free(entry->name);
  g_free(entry->version);
  g_free(entry);
}

GPtrArray *
wire_extensions(const WirePeer *peer, GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionManagerIf *client = as_manager(exchange);
  g_autoptr(GHashTable) infos =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_object_unref);
  const gboolean ok =
      wire_extension_manager_client_send_extensions(client, &exchange->failure) &&
      exchange_run(exchange, peer, "extensions", error) &&
      wire_extension_manager_client_recv_extensions(client, &infos, &exchange->failure);
  if (!exchange_end(exchange, ok, error))
    return NULL;

  GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)wire_extension_entry_free);
  GHashTableIter iter;
  gpointer uuid, value;
  g_hash_table_iter_init(&iter, infos);
  while (g_hash_table_iter_next(&iter, &uuid, &value)) {
    const WireInternalExtensionInfo *info = value;
    WireExtensionEntry *entry = g_new0(WireExtensionEntry, 1);
    entry->uuid = *(const gint64 *)uuid;
    entry->name = wire_text_printable(info->name, PEER_TEXT_MAX);
    entry->version = wire_text_printable(info->version, PEER_TEXT_MAX);
    g_ptr_array_add(entries, entry);
  }
  return entries;
}

static GHashTable *
text_map(void)
{
  return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void
text_map_add(GHashTable *map, const char *key, const char *value)
{
  g_hash_table_insert(map, g_strdup(key), g_strdup(value));
}

GPtrArray *
wire_table_route(const WireTable *table)
{
  GPtrArray *route = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
  for (guint i = 0; i < table->n_columns; i++) {
    g_autofree char *options = g_strdup_printf("%u", table->columns[i].options);
    GHashTable *column = text_map();
    text_map_add(column, "id", "column");
    text_map_add(column, "name", table->columns[i].name);
    text_map_add(column, "type", table->columns[i].type);
    text_map_add(column, "op", options);
    g_ptr_array_add(route, column);
  }
  GHashTable *attributes = text_map();
  text_map_add(attributes, "id", "attributes");
  text_map_add(attributes, "attributes", "0");
  g_ptr_array_add(route, attributes);
  return route;
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

  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionManagerIf *client = as_manager(exchange);
  g_autoptr(Status) status = g_object_new(WIRE_TYPE_EXTENSION_STATUS, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_register_extension(client, info, registry,
                                                            &exchange->failure) &&
      exchange_run(exchange, peer, "registerExtension", error) &&
      wire_extension_manager_client_recv_register_extension(client, &status, &exchange->failure);
  if (!exchange_end(exchange, ok, error) || !check_status(status, error))
    return -1;
  return status->uuid;
}

gboolean
wire_deregister_extension(const WirePeer *peer, gint64 uuid, GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionManagerIf *client = as_manager(exchange);
  g_autoptr(Status) status = g_object_new(WIRE_TYPE_EXTENSION_STATUS, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_deregister_extension(client, uuid, &exchange->failure) &&
      exchange_run(exchange, peer, "deregisterExtension", error) &&
      wire_extension_manager_client_recv_deregister_extension(client, &status, &exchange->failure);
  return exchange_end(exchange, ok, error) && check_status(status, error);
}

GPtrArray *
wire_query(const WirePeer *peer, const char *sql, GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionManagerIf *client = as_manager(exchange);
  g_autoptr(Response) response = g_object_new(WIRE_TYPE_EXTENSION_RESPONSE, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_query(client, sql, &exchange->failure) &&
      exchange_run(exchange, peer, "query", error) &&
      wire_extension_manager_client_recv_query(client, &response, &exchange->failure);
  return exchange_end(exchange, ok, error) ? take_rows(response, error) : NULL;
}

GPtrArray *
wire_query_columns(const WirePeer *peer, const char *sql, GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionManagerIf *client = as_manager(exchange);
  g_autoptr(Response) response = g_object_new(WIRE_TYPE_EXTENSION_RESPONSE, NULL);
  const gboolean ok =
      wire_extension_manager_client_send_get_query_columns(client, sql, &exchange->failure) &&
      exchange_run(exchange, peer, "getQueryColumns", error) &&
      wire_extension_manager_client_recv_get_query_columns(client, &response, &exchange->failure);
  return exchange_end(exchange, ok, error) ? take_rows(response, error) : NULL;
}

GHashTable *
wire_options(const WirePeer *peer, GError **error)
{
  g_autoptr(Exchange) exchange = exchange_new();
  WireExtensionManagerIf *client = as_manager(exchange);
  g_autoptr(GHashTable) infos =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
  const gboolean ok =
      wire_extension_manager_client_send_options(client, &exchange->failure) &&
      exchange_run(exchange, peer, "options", error) &&
      wire_extension_manager_client_recv_options(client, &infos, &exchange->failure);
  if (!exchange_end(exchange, ok, error))
    return NULL;

  GHashTable *options = text_map();
  GHashTableIter iter;
  gpointer name, value;
  g_hash_table_iter_init(&iter, infos);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    const WireInternalOptionInfo *info = value;
    text_map_add(options, name, info->value != NULL ? info->value : "");
  }
  return options;
}
