/* Who is registered with the manager, and with what. Every function may be called from any thread.
 */
#pragma once

#include "tests/stand-in/table.h"

G_BEGIN_DECLS

/* Immutable, shared by reference. */
typedef struct {
  gint64 uuid;
  char *name, *version, *sdk_version, *min_sdk_version;
  GHashTable *items; /* set of registry "/" item */
  GPtrArray *tables; /* of StandTable */
} StandExtension;

void stand_extension_unref(StandExtension *extension);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandExtension, stand_extension_unref)

typedef struct StandRegistry StandRegistry;

/* @core_tables: of StandTable; a reference is kept. */
StandRegistry *stand_registry_new(GPtrArray *core_tables);
void stand_registry_free(StandRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StandRegistry, stand_registry_free)

typedef struct {
  const char *name, *version, *sdk_version, *min_sdk_version;
} StandExtensionInfo;

/* @broadcast: registry to (item to GPtrArray of GHashTable), as registerExtension has it.
 * Returns: the new uuid; or -1 with @refusal, newly allocated, in osquery's words. */
gint64 stand_registry_add(StandRegistry *registry, const StandExtensionInfo *info,
                          GHashTable *broadcast, char **refusal);

/* FALSE when there is none of that uuid. */
gboolean stand_registry_remove(StandRegistry *registry, gint64 uuid);

/* A snapshot: of StandExtension, in the order of their uuids. */
GPtrArray *stand_registry_extensions(StandRegistry *registry);

/* A snapshot: of StandTable, the core's first. */
GPtrArray *stand_registry_tables(StandRegistry *registry);

/* The extension that has @item of @kind ("table" …), or NULL. */
StandExtension *stand_registry_owner(StandRegistry *registry, const char *kind, const char *item);

G_END_DECLS
