/* Answers osquery's calls to an extension: ping, call (`columns` and `generate`), shutdown. */
#pragma once

#include "tables/store.h"
#include "thrift/handler.h"
#include "thrift/table.h"

G_BEGIN_DECLS

typedef struct ExtPlugin ExtPlugin;

/* @store: borrowed. @on_shutdown: called when osquery asks us to end, before the reply is sent. */
ExtPlugin *ext_plugin_new(TableStore *store, void (*on_shutdown)(gpointer user_data),
                          gpointer user_data, GError **error);
void ext_plugin_free(ExtPlugin *plugin);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtPlugin, ext_plugin_free)

/* A WireHandler; @plugin: an ExtPlugin. */
void ext_plugin_answer(const WireMessage *message, const guint8 *bytes, GByteArray *reply,
                       WireRest *rest, gpointer plugin);

/* All our tables, as they are registered. Lives as long as @plugin. @n: set to their number. */
const WireTable *ext_plugin_tables(const ExtPlugin *plugin, guint *n);

G_END_DECLS
