#include "extension/plugin.h"

#include <string.h>

#include "extension/context.h"
#include "tables/cursor.h"
#include "tables/definitions.h"
#include "thrift/call-arguments.h"
#include "thrift/reply.h"

/* How long rows are made before other clients have their turn. */
#define SLICE_US (5 * G_TIME_SPAN_MILLISECOND)

struct ExtPlugin {
  TableStore *store;
  ExtContext *context;
  WireTable *tables; /* in the order of table_definitions() */
  guint n_tables;
  GPtrArray *columns; /* owns the columns of @tables */
  void (*on_shutdown)(gpointer user_data);
  gpointer user_data;
};

static void
describe_tables(ExtPlugin *plugin)
{
  const WdTable *const *definitions = table_definitions(&plugin->n_tables);
  plugin->tables = g_new(WireTable, plugin->n_tables);
  plugin->columns = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < plugin->n_tables; i++) {
    const WdTable *definition = definitions[i];
    WireColumn *columns = g_new(WireColumn, definition->n_columns);
    for (guint j = 0; j < definition->n_columns; j++)
      columns[j] =
          (WireColumn){definition->columns[j].name, table_type_name(definition->columns[j].type),
                       definition->columns[j].options};
    g_ptr_array_add(plugin->columns, columns);
    plugin->tables[i] = (WireTable){definition->name, columns, definition->n_columns};
  }
}

ExtPlugin *
ext_plugin_new(TableStore *store, void (*on_shutdown)(gpointer user_data), gpointer user_data,
               GError **error)
{
  g_autoptr(ExtContext) context = ext_context_new(error);
  if (context == NULL)
    return NULL;
  ExtPlugin *plugin = g_new0(ExtPlugin, 1);
  plugin->store = store;
  plugin->context = g_steal_pointer(&context);
  plugin->on_shutdown = on_shutdown;
  plugin->user_data = user_data;
  describe_tables(plugin);
  return plugin;
}

void
ext_plugin_free(ExtPlugin *plugin)
{
  if (plugin == NULL)
    return;
  g_free(plugin->tables);
  g_ptr_array_unref(plugin->columns);
  ext_context_free(plugin->context);
  g_free(plugin);
}

const WireTable *
ext_plugin_tables(const ExtPlugin *plugin, guint *n)
{
  *n = plugin->n_tables;
  return plugin->tables;
}

/* --- the calls --- */

static void
fail(const WireMessage *call, GByteArray *reply, const char *format, const char *what)
{
  g_autofree char *text = g_strdup_printf(format, what);
  WireRows rows;
  wire_rows_begin(&rows, reply, call);
  wire_rows_fail(&rows, text);
}

static void
answer_columns(const WireTable *table, const WireMessage *call, GByteArray *reply)
{
  g_autoptr(GPtrArray) route = wire_table_route(table);
  WireRows rows;
  wire_rows_begin(&rows, reply, call);
  for (guint i = 0; i < route->len; i++) {
    wire_rows_row(&rows);
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, g_ptr_array_index(route, i));
    while (g_hash_table_iter_next(&iter, &key, &value))
      wire_rows_value(&rows, key, value, strlen(value));
  }
  wire_rows_end(&rows);
}

/* --- rows --- */

/* Rows go straight from the cursor into the reply, so none is in memory twice. */
typedef struct {
  TableStore *store;
  const WdTable *table;
  TableQuery *query;
  TableCursor *cursor; /* NULL: not begun */
  WireMessage call;
  WireRows rows;
} Generate;

static void
generate_free(gpointer data)
{
  Generate *generate = data;
  table_cursor_free(generate->cursor);
  table_query_free(generate->query);
  g_free(generate);
}

static void
add_values(Generate *generate)
{
  const WdTable *table = generate->table;
  for (guint i = 0; i < table->n_columns; i++) {
    gsize length;
    const char *text = (generate->query->columns_used >> i & 1) != 0
                           ? table_cursor_text(generate->cursor, i, &length)
                           : NULL;
    if (text != NULL)
      wire_rows_value(&generate->rows, table->columns[i].name, text, length);
  }
}

/* The next of WireRest. */
static gboolean
generate_next(gpointer data, GByteArray *reply)
{
  Generate *generate = data;
  g_autoptr(GError) error = NULL;
  const gint64 until_us = g_get_monotonic_time() + SLICE_US;
  if (generate->cursor == NULL) {
    wire_rows_begin(&generate->rows, reply, &generate->call);
    generate->cursor = table_cursor_open(generate->store, generate->table, generate->query, &error);
  }
  TableStep step = generate->cursor != NULL ? TABLE_ROW : TABLE_FAILED;
  while (step == TABLE_ROW) {
    step = table_cursor_next(generate->cursor, &error);
    if (step != TABLE_ROW || !wire_rows_row(&generate->rows))
      break;
    add_values(generate);
    if (g_get_monotonic_time() >= until_us)
      return TRUE;
  }
  if (step == TABLE_FAILED)
    wire_rows_fail(&generate->rows, error->message);
  else
    wire_rows_end(&generate->rows);
  return FALSE;
}

static void
answer_generate(ExtPlugin *plugin, const WdTable *table, const char *context,
                const WireMessage *call, GByteArray *reply, WireRest *rest)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(TableQuery) query = ext_context_parse(plugin->context, context, table, &error);
  if (query == NULL) {
    fail(call, reply, "%s", error->message);
    return;
  }
  Generate *generate = g_new0(Generate, 1);
  generate->store = plugin->store;
  generate->table = table;
  generate->query = g_steal_pointer(&query);
  generate->call = *call;
  *rest = (WireRest){generate_next, generate_free, generate};
}

/* --- the methods --- */

static void
answer_call(ExtPlugin *plugin, const WireMessage *call, const guint8 *bytes, GByteArray *reply,
            WireRest *rest)
{
  g_auto(WireCallArguments) arguments = {0};
  g_autoptr(GError) error = NULL;
  if (!wire_call_arguments_read(bytes, call, &arguments, &error)) {
    wire_reply_exception(reply, call, WIRE_EXCEPTION_PROTOCOL, error->message);
    return;
  }
  if (!g_str_equal(arguments.registry, "table")) {
    fail(call, reply, "unknown registry: %s", arguments.registry);
    return;
  }
  guint i = 0;
  while (i < plugin->n_tables && !g_str_equal(plugin->tables[i].name, arguments.item))
    i++;
  if (i == plugin->n_tables) {
    fail(call, reply, "unknown table: %s", arguments.item);
    return;
  }
  const char *action = g_hash_table_lookup(arguments.request, "action");
  if (g_strcmp0(action, "columns") == 0)
    answer_columns(&plugin->tables[i], call, reply);
  else if (g_strcmp0(action, "generate") == 0)
    answer_generate(plugin, table_definition_find(arguments.item),
                    g_hash_table_lookup(arguments.request, "context"), call, reply, rest);
  else
    fail(call, reply, "unknown action: %s", action != NULL ? action : "(none)");
}

void
ext_plugin_answer(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                  WireRest *rest, gpointer user_data)
{
  ExtPlugin *plugin = user_data;
  if (g_str_equal(message->method, "ping")) {
    wire_reply_status(reply, message, 0, "OK", 0);
  } else if (g_str_equal(message->method, "call")) {
    answer_call(plugin, message, bytes, reply, rest);
  } else if (g_str_equal(message->method, "shutdown")) {
    wire_reply_void(reply, message);
    plugin->on_shutdown(plugin->user_data);
  } else {
    wire_reply_unknown_method(reply, message);
  }
}
