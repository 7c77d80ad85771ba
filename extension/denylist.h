/* Finds the denylisted queries that the history doesn't have yet. The history remembers them,
 * because this program may be restarted at any time. */
#pragma once

#include <gio/gio.h>

#include "tables/store.h"

G_BEGIN_DECLS

/* How long osquery denylists a query (osquery/config/config.cpp, Schedule). */
#define EXT_DENYLISTED_S 86400

/* Whether the worker started at @worker_start_s has denylisted a query anew. If not, it has taken
 * the entry over from an earlier worker.
 * @recorded_start_s: when the latest worker was started that the query is recorded for; 0: none. */
gboolean ext_denylist_is_news(gint64 recorded_start_s, gint64 worker_start_s);

/* Reads the queries that were denylisted in the last two days, from the history. Returns: their
 * names to the start of the latest worker that each is recorded for (gint64 *, wall clock); NULL
 * with @error. */
GHashTable *ext_denylist_read(TableStore *store, gint64 now_s, GError **error);

G_END_DECLS
