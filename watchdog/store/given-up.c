#include "watchdog/store/given-up.h"

/* An event from a time when the clock was ahead must not be remembered for longer. */
#define QUERY                                                                        \
  "SELECT path, details, min(max(time) + ?1 - ?2, ?1) AS left_s FROM events"         \
  " WHERE event = 'respawn_limit_reached' AND role = 'extension' AND time > ?2 - ?1" \
  " AND path IS NOT NULL AND details IS NOT NULL"                                    \
  " GROUP BY path, details ORDER BY left_s DESC LIMIT 256"

GPtrArray *
wd_given_up_read(sqlite3 *db, gint64 now_s, GError **error)
{
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)wd_given_up_free);
  g_autoptr(sqlite3_stmt) stmt = wd_database_prepare(db, QUERY, error);
  if (stmt == NULL)
    return NULL;
  WdBinder binder = {.stmt = stmt};
  wd_bind_integer(&binder, WD_GIVEN_UP_REMEMBERED_S);
  wd_bind_integer(&binder, now_s);
  int result = binder.result;
  while (result == SQLITE_OK || result == SQLITE_ROW) {
    result = sqlite3_step(stmt);
    if (result == SQLITE_ROW)
      g_ptr_array_add(list, wd_given_up_new((const char *)sqlite3_column_text(stmt, 0),
                                            (const char *)sqlite3_column_text(stmt, 1),
                                            sqlite3_column_int64(stmt, 2)));
  }
  if (result == SQLITE_DONE)
    return g_steal_pointer(&list);
  wd_database_set_error(db, error);
  return NULL;
}
