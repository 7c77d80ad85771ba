/* Which denylisted queries the history doesn't tell of yet. The history is what remembers them:
 * this program may be started anew at any time. */
#pragma once

#include <gio/gio.h>

#include "tables/tables.h"

G_BEGIN_DECLS

/* Denylisted for so long (osquery/config/config.cpp, Schedule). */
#define EXT_DENYLISTED_S 86400

/* Whether a query that a worker, started at @worker_start_s, has denylisted was denylisted anew: a
 * worker started at @recorded_start_s had it too, and the first such one put it there.
 * @recorded_start_s: 0: no such worker is known. */
gboolean ext_denylist_is_news(gint64 recorded_start_s, gint64 worker_start_s);

/* For every query that the history has as denylisted in the last two days: its name to the start of
 * the latest worker that it was told for (gint64 *, wall clock). NULL with @error. */
GHashTable *ext_denylist_read(TableStore *store, gint64 now_s, GError **error);

G_END_DECLS
