#include "tests/stand-in/core-tables.h"

#include <string.h>
#include <unistd.h>

/* Columns as osquery's specs/utility has them. */
static const struct {
  const char *name;
  struct {
    const char *name;
    StandType type;
  } columns[17];
} TABLES[] = {
    {"osquery_info",
     {{"pid", STAND_TYPE_INTEGER},
      {"uuid", STAND_TYPE_TEXT},
      {"instance_id", STAND_TYPE_TEXT},
      {"version", STAND_TYPE_TEXT},
      {"config_hash", STAND_TYPE_TEXT},
      {"config_valid", STAND_TYPE_INTEGER},
      {"extensions", STAND_TYPE_TEXT},
      {"build_platform", STAND_TYPE_TEXT},
      {"build_distro", STAND_TYPE_TEXT},
      {"start_time", STAND_TYPE_INTEGER},
      {"watcher", STAND_TYPE_INTEGER},
      {"platform_mask", STAND_TYPE_INTEGER}}},
    {"osquery_extensions",
     {{"uuid", STAND_TYPE_BIGINT},
      {"name", STAND_TYPE_TEXT},
      {"version", STAND_TYPE_TEXT},
      {"sdk_version", STAND_TYPE_TEXT},
      {"path", STAND_TYPE_TEXT},
      {"type", STAND_TYPE_TEXT}}},
    {"osquery_flags",
     {{"name", STAND_TYPE_TEXT},
      {"type", STAND_TYPE_TEXT},
      {"description", STAND_TYPE_TEXT},
      {"default_value", STAND_TYPE_TEXT},
      {"value", STAND_TYPE_TEXT},
      {"shell_only", STAND_TYPE_INTEGER}}},
    {"osquery_schedule",
     {{"name", STAND_TYPE_TEXT},
      {"query", STAND_TYPE_TEXT},
      {"interval", STAND_TYPE_INTEGER},
      {"executions", STAND_TYPE_BIGINT},
      {"last_executed", STAND_TYPE_BIGINT},
      {"denylisted", STAND_TYPE_INTEGER},
      {"output_size", STAND_TYPE_BIGINT},
      {"wall_time", STAND_TYPE_BIGINT},
      {"wall_time_ms", STAND_TYPE_BIGINT},
      {"last_wall_time_ms", STAND_TYPE_BIGINT},
      {"user_time", STAND_TYPE_BIGINT},
      {"last_user_time", STAND_TYPE_BIGINT},
      {"system_time", STAND_TYPE_BIGINT},
      {"last_system_time", STAND_TYPE_BIGINT},
      {"average_memory", STAND_TYPE_BIGINT},
      {"last_memory", STAND_TYPE_BIGINT}}},
};

GPtrArray *
stand_core_tables(void)
{
  GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify)stand_table_unref);
  for (gsize i = 0; i < G_N_ELEMENTS(TABLES); i++) {
    StandTable *table = stand_table_new(TABLES[i].name, 0);
    for (gsize j = 0; TABLES[i].columns[j].name != NULL; j++)
      stand_table_add_column(table, TABLES[i].columns[j].name, TABLES[i].columns[j].type, 0);
    g_ptr_array_add(tables, table);
  }
  return tables;
}

char *
stand_extension_socket(const char *socket, gint64 uuid)
{
  return uuid == 0 ? g_strdup(socket) : g_strdup_printf("%s.%" G_GINT64_FORMAT, socket, uuid);
}

static GHashTable *
add_row(GPtrArray *rows)
{
  GHashTable *row = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_ptr_array_add(rows, row);
  return row;
}

static void
set(GHashTable *row, const char *column, const char *value)
{
  g_hash_table_insert(row, g_strdup(column), g_strdup(value));
}

static void
set_number(GHashTable *row, const char *column, gint64 value)
{
  g_hash_table_insert(row, g_strdup(column), g_strdup_printf("%" G_GINT64_FORMAT, value));
}

static void
add_info(const StandCore *core, GPtrArray *rows)
{
  GHashTable *row = add_row(rows);
  set_number(row, "pid", getpid());
  set(row, "uuid", core->instance_id);
  set(row, "instance_id", core->instance_id);
  set(row, "version", STAND_VERSION);
  set(row, "config_hash", "");
  set_number(row, "config_valid", 0);
  set(row, "extensions", "active"); /* who asks has come through the manager */
  set(row, "build_platform", "linux");
  set(row, "build_distro", "stand-in");
  set_number(row, "start_time", core->start_time_s);
  set_number(row, "watcher", core->watcher);
  set_number(row, "platform_mask", 9); /* POSIX | LINUX */
}

static void
add_extension(const StandCore *core, GPtrArray *rows, const StandExtension *extension)
{
  GHashTable *row = add_row(rows);
  g_autofree char *path = stand_extension_socket(core->socket, extension->uuid);
  set_number(row, "uuid", extension->uuid);
  set(row, "name", extension->name);
  set(row, "version", extension->version);
  set(row, "sdk_version", extension->sdk_version);
  set(row, "path", path);
  set(row, "type", extension->uuid == 0 ? "core" : "extension");
}

static void
add_extensions(const StandCore *core, GPtrArray *rows)
{
  char name[] = "core", version[] = STAND_VERSION, sdk_version[] = STAND_SDK_VERSION;
  const StandExtension self = {.name = name, .version = version, .sdk_version = sdk_version};
  add_extension(core, rows, &self);
  g_autoptr(GPtrArray) extensions = stand_registry_extensions(core->registry);
  for (guint i = 0; i < extensions->len; i++)
    add_extension(core, rows, g_ptr_array_index(extensions, i));
}

static void
add_flags(const StandCore *core, GPtrArray *rows)
{
  guint n;
  const StandFlag *flags = stand_flags_known(&n);
  for (guint i = 0; i < n; i++) {
    GHashTable *row = add_row(rows);
    set(row, "name", flags[i].name);
    set(row, "type", stand_flag_type_name(flags[i].type));
    set(row, "description", "");
    set(row, "default_value", flags[i].default_value);
    set(row, "value", stand_flags_text(core->flags, flags[i].name));
    set_number(row, "shell_only", 0);
  }
}

GPtrArray *
stand_core_rows(const StandCore *core, const char *name)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
  if (strcmp(name, "osquery_info") == 0)
    add_info(core, rows);
  else if (strcmp(name, "osquery_extensions") == 0)
    add_extensions(core, rows);
  else if (strcmp(name, "osquery_flags") == 0)
    add_flags(core, rows);
  else if (strcmp(name, "osquery_schedule") == 0)
    stand_schedule_rows(core->schedule, rows);
  return rows;
}
