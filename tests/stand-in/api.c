#include "tests/stand-in/api.h"

#include <string.h>

#include "tests/stand-in/calls.h"
#include "tests/stand-in/sql.h"
#include "thrift/call-arguments.h"
#include "thrift/reply.h"
#include "thrift/transport.h"
#include "wire_osquery_types.h"

/* osquery/extensions: a ping first, which has 10 s; the call itself has 300 s. */
#define PING_S 10
#define CALL_S 300

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ThriftProtocol, g_object_unref)
typedef WireExtensionManagerExtensionsResult ExtensionsResult;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtensionsResult, g_object_unref)
typedef WireExtensionManagerOptionsResult OptionsResult;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OptionsResult, g_object_unref)
typedef WireExtensionManagerRegisterExtensionArgs RegisterArguments;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegisterArguments, g_object_unref)
typedef WireExtensionManagerDeregisterExtensionArgs DeregisterArguments;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeregisterArguments, g_object_unref)
typedef WireExtensionManagerQueryArgs QueryArguments;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QueryArguments, g_object_unref)
typedef WireExtensionManagerGetQueryColumnsArgs QueryColumnsArguments;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QueryColumnsArguments, g_object_unref)

static void run_unasked(const char *sql, gpointer api);

void
stand_api_init(StandApi *api, const StandFlags *flags, StandStatusLog *log, pid_t watcher,
               StandMisbehaviour *misbehaviour)
{
  g_autoptr(GPtrArray) tables = stand_core_tables();
  g_mutex_init(&api->primary);
  api->misbehaviour = misbehaviour;
  api->instance_id = g_uuid_string_random();
  api->core = (StandCore){
      .watcher = watcher,
      .start_time_s = g_get_real_time() / G_USEC_PER_SEC,
      .instance_id = api->instance_id,
      .socket = stand_flags_text(flags, "extensions_socket"),
      .flags = flags,
      .registry = stand_registry_new(tables),
  };
  api->core.schedule = stand_schedule_new(flags, log, run_unasked, api);
  api->distributed = stand_distributed_new(flags, log, run_unasked, api);
}

void
stand_api_clear(StandApi *api)
{
  stand_distributed_free(api->distributed);
  stand_schedule_free(api->core.schedule);
  stand_registry_free(api->core.registry);
  g_free(api->instance_id);
  g_mutex_clear(&api->primary);
}

static GPtrArray *
call_extension(const StandApi *api, gint64 uuid, const char *kind, const char *item,
               GHashTable *request, GError **error)
{
  g_autofree char *path = stand_extension_socket(api->core.socket, uuid);
  WirePeer peer = {path, g_get_monotonic_time() + PING_S * G_USEC_PER_SEC, NULL, NULL};
  if (!stand_ping(&peer, NULL)) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "Extension socket not available: %s", path);
    return NULL;
  }
  peer.deadline_us = g_get_monotonic_time() + CALL_S * G_USEC_PER_SEC;
  GPtrArray *rows = stand_call(&peer, kind, item, request, error);
  if (rows == NULL && error != NULL && !g_error_matches(*error, WIRE_ERROR, WIRE_ERROR_STATUS))
    g_prefix_error(error, "Extension call failed: ");
  return rows;
}

static GHashTable *
request_new(const char *action)
{
  GHashTable *request = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert(request, g_strdup("action"), g_strdup(action));
  return request;
}

/* A StandGenerate. */
static GPtrArray *
generate(const StandTable *table, const char *context, gpointer user_data, GError **error)
{
  const StandApi *api = user_data;
  if (table->uuid == 0)
    return stand_core_rows(&api->core, table->name);
  g_autoptr(GHashTable) request = request_new("generate");
  g_hash_table_insert(request, g_strdup("context"), g_strdup(context));
  return call_extension(api, table->uuid, "table", table->name, request, error);
}

/* While another query has the primary database, osquery makes one for this query alone, and for
 * that asks every extension for its columns; who doesn't answer has no table then. */
static GPtrArray *
ask_for_columns(const StandApi *api, const GPtrArray *tables)
{
  GPtrArray *asked = g_ptr_array_new_with_free_func((GDestroyNotify)stand_table_unref);
  g_autoptr(GHashTable) request = request_new("columns");
  for (guint i = 0; i < tables->len; i++) {
    StandTable *table = g_ptr_array_index(tables, i);
    if (table->uuid == 0) {
      g_ptr_array_add(asked, stand_table_ref(table));
      continue;
    }
    g_autoptr(GPtrArray) route =
        call_extension(api, table->uuid, "table", table->name, request, NULL);
    if (route == NULL)
      continue;
    StandTable *fresh = stand_table_new(table->name, table->uuid);
    stand_table_add_route(fresh, route);
    g_ptr_array_add(asked, fresh);
  }
  return asked;
}

static void
run_sql(StandApi *api, void (*run)(const StandSql *, const char *, WireRows *), const char *text,
        WireRows *rows)
{
  gboolean primary = g_mutex_trylock(&api->primary);
  g_autoptr(GPtrArray) tables = stand_registry_tables(api->core.registry);
  g_autoptr(GPtrArray) asked = primary ? g_ptr_array_ref(tables) : ask_for_columns(api, tables);
  const StandSql sql = {
      .tables = asked,
      .source = {generate, api},
      .misbehaviour = api->misbehaviour,
      .null_text = stand_flags_text(api->core.flags, "nullvalue"),
  };
  run(&sql, text, rows);
  if (primary)
    g_mutex_unlock(&api->primary);
}

/* A StandRunQuery; the rows go to a logger, here to nobody. */
static void
run_unasked(const char *sql, gpointer api)
{
  const WireMessage message = {.method = "query"};
  g_autoptr(GByteArray) nobody = g_byte_array_new();
  WireRows rows;
  wire_rows_begin(&rows, nobody, &message);
  run_sql(api, stand_sql_query, sql, &rows);
}

gboolean
stand_api_remove(StandApi *api, gint64 uuid)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&api->primary);
  return stand_registry_remove(api->core.registry, uuid);
}

/* --- reading arguments and writing results with the generated code --- */

/* Returns: a generated struct of @type, or NULL. */
static gpointer
read_arguments(GType type, const WireMessage *message, const guint8 *bytes)
{
  g_autoptr(ThriftProtocol) protocol = wire_protocol_new(bytes, message->size, NULL);
  g_autofree char *method = NULL;
  ThriftMessageType kind;
  gint32 seqid;
  g_autoptr(GError) error = NULL;
  g_autoptr(GObject) arguments = g_object_new(type, NULL);
  if (thrift_protocol_read_message_begin(protocol, &method, &kind, &seqid, &error) < 0 ||
      thrift_struct_read(THRIFT_STRUCT(arguments), protocol, &error) < 0)
    return NULL;
  return g_steal_pointer(&arguments);
}

static void
write_result(GByteArray *reply, const WireMessage *message, gpointer result)
{
  g_autoptr(ThriftProtocol) protocol = wire_protocol_new(NULL, 0, reply);
  g_autoptr(GError) error = NULL;
  if (thrift_protocol_write_message_begin(protocol, message->method, T_REPLY, message->seqid,
                                          &error) < 0 ||
      thrift_struct_write(THRIFT_STRUCT(result), protocol, &error) < 0 ||
      thrift_protocol_write_message_end(protocol, &error) < 0) {
    g_byte_array_set_size(reply, 0);
    wire_reply_exception(reply, message, WIRE_EXCEPTION_PROTOCOL, error->message);
  }
}

/* --- the methods --- */

typedef struct {
  StandApi *api;
  const WireMessage *message;
  const guint8 *bytes;
  GByteArray *reply;
} Call;

static void
refuse_arguments(const Call *call)
{
  wire_reply_exception(call->reply, call->message, WIRE_EXCEPTION_PROTOCOL,
                       "the arguments are incomplete");
}

static void
answer_ping(const Call *call)
{
  wire_reply_status(call->reply, call->message, 0, "pong", 0);
}

/* The core takes no notice of a shutdown() asked of it (impl_thrift.cpp). */
static void
answer_shutdown(const Call *call)
{
  wire_reply_void(call->reply, call->message);
}

static void
answer_extensions(const Call *call)
{
  g_autoptr(GPtrArray) extensions = stand_registry_extensions(call->api->core.registry);
  g_autoptr(ExtensionsResult) result =
      g_object_new(WIRE_TYPE_EXTENSION_MANAGER_EXTENSIONS_RESULT, NULL);
  for (guint i = 0; i < extensions->len; i++) {
    const StandExtension *extension = g_ptr_array_index(extensions, i);
    GObject *info = g_object_new(
        WIRE_TYPE_INTERNAL_EXTENSION_INFO, "name", extension->name, "version", extension->version,
        "sdk_version", extension->sdk_version, "min_sdk_version", extension->min_sdk_version, NULL);
    g_hash_table_insert(result->success, g_memdup2(&extension->uuid, sizeof extension->uuid), info);
  }
  result->__isset_success = TRUE;
  write_result(call->reply, call->message, result);
}

static void
answer_options(const Call *call)
{
  g_autoptr(OptionsResult) result = g_object_new(WIRE_TYPE_EXTENSION_MANAGER_OPTIONS_RESULT, NULL);
  guint n;
  const StandFlag *flags = stand_flags_known(&n);
  for (guint i = 0; i < n; i++) {
    GObject *option =
        g_object_new(WIRE_TYPE_INTERNAL_OPTION_INFO, "value",
                     stand_flags_text(call->api->core.flags, flags[i].name), "default_value",
                     flags[i].default_value, "type", stand_flag_type_name(flags[i].type), NULL);
    g_hash_table_insert(result->success, g_strdup(flags[i].name), option);
  }
  result->__isset_success = TRUE;
  write_result(call->reply, call->message, result);
}

static const char *
text_or_empty(const char *text)
{
  return text != NULL ? text : "";
}

static void
answer_register(const Call *call)
{
  g_autoptr(RegisterArguments) arguments = read_arguments(
      WIRE_TYPE_EXTENSION_MANAGER_REGISTER_EXTENSION_ARGS, call->message, call->bytes);
  if (arguments == NULL || arguments->info == NULL || arguments->registry == NULL) {
    refuse_arguments(call);
    return;
  }
  const StandExtensionInfo info = {
      .name = text_or_empty(arguments->info->name),
      .version = text_or_empty(arguments->info->version),
      .sdk_version = text_or_empty(arguments->info->sdk_version),
      .min_sdk_version = text_or_empty(arguments->info->min_sdk_version),
  };
  g_autofree char *refusal = NULL;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&call->api->primary);
  gint64 uuid = stand_registry_add(call->api->core.registry, &info, arguments->registry, &refusal);
  if (uuid < 0)
    wire_reply_status(call->reply, call->message, 1, refusal, 0);
  else
    wire_reply_status(call->reply, call->message, 0, "OK", uuid);
}

static void
answer_deregister(const Call *call)
{
  g_autoptr(DeregisterArguments) arguments = read_arguments(
      WIRE_TYPE_EXTENSION_MANAGER_DEREGISTER_EXTENSION_ARGS, call->message, call->bytes);
  if (arguments == NULL)
    refuse_arguments(call);
  else if (stand_api_remove(call->api, arguments->uuid))
    wire_reply_status(call->reply, call->message, 0, "OK", 0);
  else
    wire_reply_status(call->reply, call->message, 1, "No extension UUID found", 0);
}

static void
answer_sql(const Call *call, void (*run)(const StandSql *, const char *, WireRows *),
           const char *text)
{
  WireRows rows;
  wire_rows_begin(&rows, call->reply, call->message);
  run_sql(call->api, run, text_or_empty(text), &rows);
}

static void
answer_query(const Call *call)
{
  g_autoptr(QueryArguments) arguments =
      read_arguments(WIRE_TYPE_EXTENSION_MANAGER_QUERY_ARGS, call->message, call->bytes);
  if (arguments == NULL)
    refuse_arguments(call);
  else
    answer_sql(call, stand_sql_query, arguments->sql);
}

static void
answer_query_columns(const Call *call)
{
  g_autoptr(QueryColumnsArguments) arguments = read_arguments(
      WIRE_TYPE_EXTENSION_MANAGER_GET_QUERY_COLUMNS_ARGS, call->message, call->bytes);
  if (arguments == NULL)
    refuse_arguments(call);
  else
    answer_sql(call, stand_sql_columns, arguments->sql);
}

/* Passes the call on to the extension that has the item. (osquery also lets one call its own
 * plugins in this way; nobody here needs that.) */
static void
answer_call(const Call *call)
{
  g_auto(WireCallArguments) arguments = {NULL, NULL, NULL};
  if (!wire_call_arguments_read(call->bytes, call->message, &arguments, NULL)) {
    refuse_arguments(call);
    return;
  }
  WireRows rows;
  wire_rows_begin(&rows, call->reply, call->message);
  g_autoptr(StandExtension) owner =
      stand_registry_owner(call->api->core.registry, arguments.registry, arguments.item);
  if (owner == NULL) {
    g_autofree char *problem = g_strdup_printf("Cannot call registry item: %s", arguments.item);
    wire_rows_fail(&rows, problem);
    return;
  }
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) answer = call_extension(call->api, owner->uuid, arguments.registry,
                                               arguments.item, arguments.request, &error);
  if (answer == NULL) {
    wire_rows_fail(&rows, error->message);
    return;
  }
  for (guint i = 0; i < answer->len && wire_rows_row(&rows); i++) {
    GHashTableIter values;
    gpointer name, value;
    g_hash_table_iter_init(&values, g_ptr_array_index(answer, i));
    while (g_hash_table_iter_next(&values, &name, &value))
      wire_rows_value(&rows, name, value, strlen(value));
  }
  wire_rows_end(&rows);
}

void
stand_api_answer(const WireMessage *message, const guint8 *bytes, GByteArray *reply, gpointer api)
{
  static const struct {
    const char *method;
    void (*answer)(const Call *call);
  } METHODS[] = {
      {"ping", answer_ping},
      {"call", answer_call},
      {"shutdown", answer_shutdown},
      {"extensions", answer_extensions},
      {"options", answer_options},
      {"registerExtension", answer_register},
      {"deregisterExtension", answer_deregister},
      {"query", answer_query},
      {"getQueryColumns", answer_query_columns},
  };
  const Call call = {api, message, bytes, reply};
  for (gsize i = 0; i < G_N_ELEMENTS(METHODS); i++)
    if (strcmp(METHODS[i].method, message->method) == 0) {
      METHODS[i].answer(&call);
      return;
    }
  wire_reply_unknown_method(reply, message);
}
