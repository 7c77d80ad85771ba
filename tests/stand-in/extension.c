/* An osquery extension with one table of its own, for whoever has to manage one; made to behave as
 * one of osquery's C++ SDK does (osquery/extensions/extensions.cpp). */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/stand-in/calls.h"
#include "tests/stand-in/core-tables.h"
#include "tests/stand-in/process.h"
#include "tests/stand-in/server.h"
#include "thrift/call-arguments.h"
#include "thrift/client.h"
#include "thrift/reply.h"
#include "thrift/types.h"

#define LATENCY_US (20 * 1000)
#define CALL_US (10 * G_USEC_PER_SEC)

typedef struct {
  char *socket;
  int timeout_s, interval_s;
  gboolean verbose;
  char *name;
  char *path; /* the program, as it was started */
  gint64 uuid;
  StandMisbehaviour misbehaviour;
} Extension;

static void
extension_clear(Extension *extension)
{
  g_free(extension->socket);
  g_free(extension->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Extension, extension_clear)

static const WireColumn COLUMNS[] = {
    {"pid", "BIGINT", 0},      {"uuid", "BIGINT", 0},
    {"path", "TEXT", 0},       {"socket", "TEXT", 0},
    {"timeout", "INTEGER", 0}, {"interval", "INTEGER", 0},
    {"verbose", "INTEGER", 0}, {"misbehave", "TEXT", STAND_COLUMN_ADDITIONAL},
};

/* --- the table --- */

static void
add_text(WireRows *rows, const char *name, const char *value)
{
  wire_rows_value(rows, name, value, strlen(value));
}

static void
add_number(WireRows *rows, const char *name, gint64 value)
{
  g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);
  add_text(rows, name, text);
}

static void
add_row(const Extension *extension, const char *misbehave, WireRows *rows)
{
  if (!wire_rows_row(rows))
    return;
  add_number(rows, "pid", getpid());
  add_number(rows, "uuid", extension->uuid);
  add_text(rows, "path", extension->path);
  add_text(rows, "socket", extension->socket);
  add_number(rows, "timeout", extension->timeout_s);
  add_number(rows, "interval", extension->interval_s);
  add_number(rows, "verbose", extension->verbose);
  if (misbehave != NULL)
    add_text(rows, "misbehave", misbehave);
}

static void
add_columns(WireRows *rows)
{
  for (gsize i = 0; i < G_N_ELEMENTS(COLUMNS) && wire_rows_row(rows); i++) {
    add_text(rows, "id", "column");
    add_text(rows, "name", COLUMNS[i].name);
    add_text(rows, "type", COLUMNS[i].type);
    add_number(rows, "op", COLUMNS[i].options);
  }
  if (wire_rows_row(rows)) {
    add_text(rows, "id", "attributes");
    add_text(rows, "attributes", "0");
  }
}

/* What `WHERE misbehave = '…'` asks for; SQLite reads the JSON. Newly allocated, or NULL. */
static char *
asked_misbehaviour(const char *context)
{
  static const char SQL[] = "SELECT e.value ->> 'expr'"
                            " FROM json_each(?1, '$.constraints') c, json_each(c.value, '$.list') e"
                            " WHERE c.value ->> 'name' = 'misbehave' AND e.value ->> 'op' = 2";
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  char *asked = NULL;
  if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
      sqlite3_prepare_v2(db, SQL, -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_bind_text(statement, 1, context, -1, SQLITE_STATIC) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW)
    asked = g_strdup((const char *)sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return asked;
}

static void
answer_call(Extension *extension, const WireCallArguments *arguments, WireRows *rows)
{
  const char *action = g_hash_table_lookup(arguments->request, "action");
  const char *context = g_hash_table_lookup(arguments->request, "context");
  if (strcmp(arguments->registry, "table") != 0 || strcmp(arguments->item, extension->name) != 0 ||
      action == NULL) {
    wire_rows_fail(rows, "no such table");
  } else if (strcmp(action, "columns") == 0) {
    add_columns(rows);
    wire_rows_end(rows);
  } else if (strcmp(action, "generate") == 0) {
    g_autofree char *asked = asked_misbehaviour(context != NULL ? context : "{}");
    g_autoptr(GError) error = NULL;
    if (asked != NULL && !stand_misbehave(&extension->misbehaviour, asked, &error)) {
      wire_rows_fail(rows, error->message);
      return;
    }
    add_row(extension, asked, rows);
    wire_rows_end(rows);
  } else {
    wire_rows_fail(rows, "Unknown table plugin action");
  }
}

/* A StandHandler. As with the C++ SDK, shutdown() is answered and otherwise without effect: the end
 * comes when the manager is found gone. */
static void
answer(const WireMessage *message, const guint8 *bytes, GByteArray *reply, gpointer data)
{
  Extension *extension = data;
  if (strcmp(message->method, "ping") == 0) {
    wire_reply_status(reply, message, 0, "pong", extension->uuid);
  } else if (strcmp(message->method, "shutdown") == 0) {
    wire_reply_void(reply, message);
  } else if (strcmp(message->method, "call") == 0) {
    g_auto(WireCallArguments) arguments = {NULL, NULL, NULL};
    WireRows rows;
    wire_rows_begin(&rows, reply, message);
    if (wire_call_arguments_read(bytes, message, &arguments, NULL))
      answer_call(extension, &arguments, &rows);
    else
      wire_rows_fail(&rows, "the arguments are incomplete");
  } else {
    wire_reply_unknown_method(reply, message);
  }
}

/* --- its life --- */

static WirePeer
manager_peer(const Extension *extension)
{
  return (WirePeer){extension->socket, g_get_monotonic_time() + CALL_US, NULL, NULL};
}

/* Returns: FALSE when no manager answers in time, or the extension is asked to end before. */
static gboolean
wait_for_manager(const Extension *extension)
{
  gint64 end_us = g_get_monotonic_time() + extension->timeout_s * G_USEC_PER_SEC;
  for (;;) {
    WirePeer peer = manager_peer(extension);
    if (stand_ping(&peer, NULL))
      return TRUE;
    gint64 now_us = g_get_monotonic_time();
    if (now_us >= end_us || stand_next_signal(&extension->misbehaviour, now_us + LATENCY_US) != 0)
      return FALSE;
  }
}

static gboolean
is_registered(const Extension *extension, GError **error)
{
  WirePeer peer = manager_peer(extension);
  g_autoptr(GPtrArray) entries = wire_extensions(&peer, error);
  if (entries == NULL)
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    if (((WireExtensionEntry *)g_ptr_array_index(entries, i))->uuid == extension->uuid)
      return TRUE;
  return FALSE;
}

/* Returns: the exit code. */
static int
stay_registered(const Extension *extension)
{
  gint64 interval_us = MAX(extension->interval_s * G_USEC_PER_SEC, 200 * 1000);
  for (;;) {
    g_autoptr(GError) error = NULL;
    if (!is_registered(extension, &error)) {
      g_printerr("%s: %s\n", extension->name,
                 error != NULL ? "the manager is gone" : "not registered any more");
      return error != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (stand_next_signal(&extension->misbehaviour, g_get_monotonic_time() + interval_us) != 0)
      return EXIT_SUCCESS;
  }
}

static int
run(Extension *extension)
{
  gint64 late_us =
      g_atomic_int_get(&extension->misbehaviour.slow_socket_ms) * G_GINT64_CONSTANT(1000);
  if (!wait_for_manager(extension)) {
    g_printerr("%s: no manager at %s\n", extension->name, extension->socket);
    return EXIT_FAILURE;
  }
  g_autoptr(GError) error = NULL;
  WirePeer peer = manager_peer(extension);
  const WireTable table = {extension->name, COLUMNS, G_N_ELEMENTS(COLUMNS)};
  extension->uuid =
      wire_register_extension(&peer, extension->name, PROJECT_VERSION, &table, 1, &error);
  if (extension->uuid < 0) {
    g_printerr("%s: %s\n", extension->name, error->message);
    return EXIT_FAILURE;
  }
  if (late_us > 0 &&
      stand_next_signal(&extension->misbehaviour, g_get_monotonic_time() + late_us) != 0)
    return EXIT_SUCCESS;
  g_autofree char *path = stand_extension_socket(extension->socket, extension->uuid);
  StandServer *server = stand_server_new(path, &extension->misbehaviour, answer, extension, &error);
  if (server == NULL) {
    g_printerr("%s: %s\n", extension->name, error->message);
    return EXIT_FAILURE;
  }
  int code = stay_registered(extension);
  stand_server_stop(server);
  if (stand_server_wait(server, g_get_monotonic_time() + CALL_US))
    stand_server_free(server);
  return code;
}

/* Started by a watchdog it has no arguments of its own, so that what it should do is also found
 * beside it and in the environment: each copy or link of the program can have a file. */
static char *
requested_misbehaviour(const Extension *extension)
{
  const char *environment = g_getenv("STAND_IN_EXT_MISBEHAVE");
  g_autofree char *path = g_strconcat(extension->path, ".misbehave", NULL);
  char *text = NULL;
  if (g_file_get_contents(path, &text, NULL, NULL))
    return g_strstrip(text);
  return g_strdup(environment != NULL ? environment : "");
}

/* "…/stand-in.ext" → "stand_in": copies under other names don't collide. */
static char *
name_of(const char *path)
{
  char *name = g_path_get_basename(path);
  if (g_str_has_suffix(name, ".ext"))
    name[strlen(name) - strlen(".ext")] = '\0';
  return g_strcanon(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS, '_');
}

static gboolean
read_arguments(Extension *extension, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
      {"socket", 0, 0, G_OPTION_ARG_STRING, &extension->socket, "the manager's socket", "PATH"},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &extension->timeout_s, "wait so long for it", "S"},
      {"interval", 0, 0, G_OPTION_ARG_INT, &extension->interval_s, "look after it so often", "S"},
      {"verbose", 0, 0, G_OPTION_ARG_NONE, &extension->verbose, "as osquery passes it", NULL},
      {"name", 0, 0, G_OPTION_ARG_STRING, &extension->name,
       "of the extension and its table (also STAND_IN_NAME)", "NAME"},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, argc, argv, error))
    return FALSE;
  if (*argc != 1 || extension->socket == NULL) {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s",
                *argc != 1 ? (*argv)[1] : "--socket is missing");
    return FALSE;
  }
  return TRUE;
}

int
main(int argc, char **argv)
{
  g_auto(Extension) extension = {.timeout_s = 3, .interval_s = 3, .path = argv[0]};
  g_autoptr(GError) error = NULL;
  if (!read_arguments(&extension, &argc, &argv, &error)) {
    g_printerr("%s: %s\n", argv[0], error->message);
    return 2;
  }
  if (extension.name == NULL)
    extension.name = g_strdup(g_getenv("STAND_IN_NAME"));
  if (extension.name == NULL)
    extension.name = name_of(extension.path);
  stand_block_signals();
  wire_init();
  g_autofree char *requested = requested_misbehaviour(&extension);
  if (!stand_misbehave(&extension.misbehaviour, requested, &error)) {
    g_printerr("%s: %s\n", argv[0], error->message);
    return 2;
  }
  return run(&extension);
}
