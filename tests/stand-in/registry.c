#include "tests/stand-in/registry.h"

#include <stdlib.h>
#include <string.h>

/* osquery/extensions/interface.cpp, kSDKVersionChanges. */
static const int SDK_VERSION_MIN[] = {1, 7, 7};

/* The registries that osquery's core has. */
static const char *const KINDS[] = {
    "config",
    "config_parser",
    "database",
    "distributed",
    "enroll",
    "event_publisher",
    "event_subscriber",
    "logger",
    "numeric_monitoring",
    "sql",
    "table",
    NULL,
};

struct StandRegistry {
  GMutex lock;
  GPtrArray *core_tables;
  GPtrArray *extensions; /* of StandExtension */
};

static void
extension_clear(gpointer data)
{
  StandExtension *extension = data;
  g_free(extension->name);
  g_free(extension->version);
  g_free(extension->sdk_version);
  g_free(extension->min_sdk_version);
  g_hash_table_unref(extension->items);
  g_ptr_array_unref(extension->tables);
}

void
stand_extension_unref(StandExtension *extension)
{
  g_atomic_rc_box_release_full(extension, extension_clear);
}

StandRegistry *
stand_registry_new(GPtrArray *core_tables)
{
  StandRegistry *registry = g_new0(StandRegistry, 1);
  g_mutex_init(&registry->lock);
  registry->core_tables = g_ptr_array_ref(core_tables);
  registry->extensions = g_ptr_array_new_with_free_func((GDestroyNotify)stand_extension_unref);
  return registry;
}

void
stand_registry_free(StandRegistry *registry)
{
  if (registry == NULL)
    return;
  g_ptr_array_unref(registry->core_tables);
  g_ptr_array_unref(registry->extensions);
  g_mutex_clear(&registry->lock);
  g_free(registry);
}

/* osquery/utils/info/version.cpp: compared number by number as far as both go; "0.0.0" passes. */
static gboolean
sdk_version_suffices(const char *version)
{
  g_auto(GStrv) numbers = g_strsplit(version, ".", -1);
  if (strcmp(version, "0.0.0") == 0)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(SDK_VERSION_MIN) && numbers[i] != NULL; i++) {
    int number = atoi(numbers[i]);
    if (number != SDK_VERSION_MIN[i])
      return number > SDK_VERSION_MIN[i];
  }
  return TRUE;
}

static char *
item_key(const char *kind, const char *item)
{
  return g_strconcat(kind, "/", item, NULL);
}

static StandExtension *
find_owner(const StandRegistry *registry, const char *kind, const char *item)
{
  g_autofree char *key = item_key(kind, item);
  for (guint i = 0; i < registry->extensions->len; i++) {
    StandExtension *extension = g_ptr_array_index(registry->extensions, i);
    if (g_hash_table_contains(extension->items, key))
      return extension;
  }
  return NULL;
}

static gboolean
is_taken(const StandRegistry *registry, const char *kind, const char *item)
{
  if (strcmp(kind, "table") == 0)
    for (guint i = 0; i < registry->core_tables->len; i++) {
      const StandTable *table = g_ptr_array_index(registry->core_tables, i);
      if (strcmp(table->name, item) == 0)
        return TRUE;
    }
  return find_owner(registry, kind, item) != NULL;
}

/* Returns: why the broadcast is refused, newly allocated; NULL when it isn't. Conflicts come before
 * everything else. */
static char *
refuse_broadcast(const StandRegistry *registry, GHashTable *broadcast)
{
  GHashTableIter kinds, items;
  gpointer kind, routes, item, route;
  g_hash_table_iter_init(&kinds, broadcast);
  while (g_hash_table_iter_next(&kinds, &kind, &routes)) {
    g_hash_table_iter_init(&items, routes);
    while (g_hash_table_iter_next(&items, &item, NULL))
      if (is_taken(registry, kind, item))
        return g_strdup_printf("Registry item %s conflicts with another item of the same name.",
                               (const char *)item);
  }
  g_hash_table_iter_init(&kinds, broadcast);
  while (g_hash_table_iter_next(&kinds, &kind, &routes)) {
    if (!g_strv_contains(KINDS, kind))
      return g_strdup_printf("Unknown registry: %s", (const char *)kind);
    g_hash_table_iter_init(&items, routes);
    while (strcmp(kind, "table") == 0 && g_hash_table_iter_next(&items, NULL, &route))
      if (((GPtrArray *)route)->len == 0)
        return g_strdup("Invalid route info");
  }
  return NULL;
}

static char *
refuse(const StandRegistry *registry, const StandExtensionInfo *info, GHashTable *broadcast)
{
  for (guint i = 0; i < registry->extensions->len; i++) {
    const StandExtension *extension = g_ptr_array_index(registry->extensions, i);
    if (strcmp(extension->name, info->name) == 0)
      return g_strdup("Duplicate extension registered");
  }
  if (!sdk_version_suffices(info->sdk_version))
    return g_strdup("Incompatible extension SDK version");
  g_autofree char *reason = refuse_broadcast(registry, broadcast);
  return reason != NULL ? g_strconcat("Failed adding registry: ", reason, NULL) : NULL;
}

static gint
find_uuid(const StandRegistry *registry, gint64 uuid)
{
  for (guint i = 0; i < registry->extensions->len; i++)
    if (((StandExtension *)g_ptr_array_index(registry->extensions, i))->uuid == uuid)
      return (gint)i;
  return -1;
}

static void
add_items(StandExtension *extension, GHashTable *broadcast)
{
  GHashTableIter kinds, items;
  gpointer kind, routes, item, route;
  g_hash_table_iter_init(&kinds, broadcast);
  while (g_hash_table_iter_next(&kinds, &kind, &routes)) {
    g_hash_table_iter_init(&items, routes);
    while (g_hash_table_iter_next(&items, &item, &route)) {
      g_hash_table_add(extension->items, item_key(kind, item));
      if (strcmp(kind, "table") != 0)
        continue;
      StandTable *table = stand_table_new(item, extension->uuid);
      stand_table_add_route(table, route);
      g_ptr_array_add(extension->tables, table);
    }
  }
}

static gint
compare_uuids(gconstpointer a, gconstpointer b)
{
  const StandExtension *const *one = a, *const *other = b;
  return (gint)((*one)->uuid - (*other)->uuid); /* both have 16 bits */
}

gint64
stand_registry_add(StandRegistry *registry, const StandExtensionInfo *info, GHashTable *broadcast,
                   char **refusal)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&registry->lock);
  *refusal = refuse(registry, info, broadcast);
  if (*refusal != NULL)
    return -1;
  StandExtension *extension = g_atomic_rc_box_new0(StandExtension);
  do
    extension->uuid = g_random_int_range(1, G_MAXUINT16 + 1);
  while (find_uuid(registry, extension->uuid) >= 0);
  extension->name = g_strdup(info->name);
  extension->version = g_strdup(info->version);
  extension->sdk_version = g_strdup(info->sdk_version);
  extension->min_sdk_version = g_strdup(info->min_sdk_version);
  extension->items = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  extension->tables = g_ptr_array_new_with_free_func((GDestroyNotify)stand_table_unref);
  add_items(extension, broadcast);
  gint64 uuid = extension->uuid;
  g_ptr_array_add(registry->extensions, extension);
  g_ptr_array_sort(registry->extensions, compare_uuids);
  return uuid;
}

gboolean
stand_registry_remove(StandRegistry *registry, gint64 uuid)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&registry->lock);
  gint index = find_uuid(registry, uuid);
  if (index < 0)
    return FALSE;
  g_ptr_array_remove_index(registry->extensions, (guint)index);
  return TRUE;
}

GPtrArray *
stand_registry_extensions(StandRegistry *registry)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&registry->lock);
  GPtrArray *copy = g_ptr_array_new_with_free_func((GDestroyNotify)stand_extension_unref);
  for (guint i = 0; i < registry->extensions->len; i++)
    g_ptr_array_add(copy, g_atomic_rc_box_acquire(g_ptr_array_index(registry->extensions, i)));
  return copy;
}

GPtrArray *
stand_registry_tables(StandRegistry *registry)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&registry->lock);
  GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify)stand_table_unref);
  for (guint i = 0; i < registry->core_tables->len; i++)
    g_ptr_array_add(tables, stand_table_ref(g_ptr_array_index(registry->core_tables, i)));
  for (guint i = 0; i < registry->extensions->len; i++) {
    const StandExtension *extension = g_ptr_array_index(registry->extensions, i);
    for (guint j = 0; j < extension->tables->len; j++)
      g_ptr_array_add(tables, stand_table_ref(g_ptr_array_index(extension->tables, j)));
  }
  return tables;
}

StandExtension *
stand_registry_owner(StandRegistry *registry, const char *kind, const char *item)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&registry->lock);
  StandExtension *owner = find_owner(registry, kind, item);
  return owner != NULL ? g_atomic_rc_box_acquire(owner) : NULL;
}
