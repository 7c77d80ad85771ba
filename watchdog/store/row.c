#include "watchdog/store/row.h"

#include "watchdog/core/event/process-status.h"

#include <string.h>

char *
wd_row_columns(const WdTable *table, sqlite3 *db)
{
  GString *list = g_string_new(table->key);
  for (guint i = 0; i < table->n_columns + table->n_hidden; i++) {
    const char *name = table->columns[i].name;
    const gboolean there = db == NULL || wd_database_has_column(db, table->stored, name);
    if (!g_str_equal(name, table->key))
      g_string_append_printf(list, ", %s", there ? name : "NULL");
  }
  return g_string_free(list, FALSE);
}

sqlite3_stmt *
wd_row_prepare(sqlite3 *db, const WdTable *table, const char *verb, const char *conflict,
               GError **error)
{
  g_autofree char *columns = wd_row_columns(table, NULL);
  g_autoptr(GString) sql = g_string_new(NULL);
  g_string_printf(sql, "%s INTO %s(%s) VALUES(?", verb, table->stored, columns);
  for (const char *comma = strchr(columns, ','); comma != NULL; comma = strchr(comma + 1, ','))
    g_string_append(sql, ", ?");
  g_string_append_printf(sql, ")%s", conflict);
  return wd_database_prepare(db, sql->str, error);
}

static gint64
eid(guint64 seq, gint64 base)
{
  return seq == 0 || base == WD_NONE ? WD_NONE : base + (gint64)seq;
}

void
wd_row_bind(WdBinder *binder, const WdTable *table, gconstpointer row, const char *run_id,
            gint64 base)
{
  for (guint i = 0; i < table->n_columns + table->n_hidden; i++) {
    gconstpointer value = (const guint8 *)row + table->columns[i].offset;
    switch (table->columns[i].value) {
    case WD_VALUE_INTEGER:
      wd_bind_integer(binder, *(const gint64 *)value);
      break;
    case WD_VALUE_REAL:
      wd_bind_real(binder, *(const double *)value);
      break;
    case WD_VALUE_BOOLEAN:
      wd_bind_integer(binder, *(const gboolean *)value ? 1 : 0);
      break;
    case WD_VALUE_TEXT:
      wd_bind_text(binder, *(char *const *)value);
      break;
    case WD_VALUE_SEQ:
      wd_bind_integer(binder, eid(*(const guint64 *)value, base));
      break;
    case WD_VALUE_RUN_ID:
      wd_bind_text(binder, run_id);
      break;
    case WD_VALUE_EVENT:
      wd_bind_text(binder, wd_event_kind_name(*(const WdEventKind *)value));
      break;
    case WD_VALUE_ROLE:
      wd_bind_text(binder, wd_role_name(*(const WdRole *)value));
      break;
    case WD_VALUE_REASON:
      wd_bind_text(binder, wd_reason_name(*(const WdReason *)value));
      break;
    case WD_VALUE_UNIT:
      wd_bind_text(binder, wd_unit_name(*(const WdUnit *)value));
      break;
    case WD_VALUE_OUTCOME:
      wd_bind_text(binder, wd_outcome_name(*(const WdOutcome *)value));
      break;
    case WD_VALUE_SIGNALS:
      wd_bind_text(binder, wd_signals_text(*(const WdSignals *)value));
      break;
    case WD_VALUE_ORIGIN:
      wd_bind_text(binder, wd_origin_name(*(const WdOrigin *)value));
      break;
    case WD_VALUE_STATE:
      wd_bind_text(binder, wd_state_name(*(const WdState *)value));
      break;
    case WD_VALUE_MEMORY_WATCH:
      wd_bind_text(binder, wd_memory_watch_name(*(const WdMemoryWatch *)value));
      break;
    case WD_VALUE_DERIVED:
      g_assert_not_reached();
    }
  }
}
