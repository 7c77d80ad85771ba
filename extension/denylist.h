/* Distinguishes newly denylisted queries from those in the history. Only the history remembers
 * them, because this program may be restarted at any time. */
#pragma once

#include "tables/store.h"

G_BEGIN_DECLS

/* Whether the worker that started at @worker_start_s has newly denylisted a query, rather than
 * taken the entry over from an earlier worker.
 * @recorded_start_s: when the last worker started for which the query is recorded; 0: none. */
gboolean ext_denylist_is_news(gint64 recorded_start_s, gint64 worker_start_s);

/* Reads from the history which queries were denylisted in the last two days. Returns: each one's
 * name to when the last worker started for which it is recorded (gint64 *, wall clock); NULL with
 * @error. */
GHashTable *ext_denylist_read(TableStore *store, gint64 now_s, GError **error);

G_END_DECLS
