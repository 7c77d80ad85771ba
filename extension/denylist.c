#include "extension/denylist.h"

#include "tables/cursor.h"
#include "tables/definitions.h"

/* How long osquery denylists a query (osquery/config/config.cpp, Schedule). */
#define DENYLISTED_S 86400

gboolean
ext_denylist_is_news(gint64 recorded_start_s, gint64 worker_start_s)
{
  return recorded_start_s == 0 || worker_start_s - recorded_start_s >= DENYLISTED_S;
}

GHashTable *
ext_denylist_read(TableStore *store, gint64 now_s, GError **error)
{
  const WdTable *events = table_definition_find("watchdog_events");
  const guint name = table_column_index(events, "query_name");
  const guint time = table_column_index(events, "time");
  const guint lifetime = table_column_index(events, "lifetime_ms");
  g_autofree char *since = g_strdup_printf("%" G_GINT64_FORMAT, now_s - 2 * DENYLISTED_S);
  g_autoptr(TableQuery) query = table_query_new();
  table_query_add(query, table_column_index(events, "event"), TABLE_OP_EQ, "query_denylisted");
  table_query_add(query, time, TABLE_OP_GT, since);
  g_autoptr(TableCursor) cursor = table_cursor_open(store, events, query, error);
  if (cursor == NULL)
    return NULL;
  g_autoptr(GHashTable) starts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  TableStep step;
  while ((step = table_cursor_next(cursor, error)) == TABLE_ROW) {
    gsize length;
    const char *text = table_cursor_text(cursor, name, &length);
    if (text == NULL)
      continue;
    gint64 *start_s = g_new(gint64, 1);
    *start_s = table_cursor_int64(cursor, time);
    if (!table_cursor_is_null(cursor, lifetime))
      *start_s -= table_cursor_int64(cursor, lifetime) / 1000;
    /* The last one counts, because rows come in order. */
    g_hash_table_replace(starts, g_strdup(text), start_s);
  }
  return step == TABLE_END ? g_steal_pointer(&starts) : NULL;
}
