#include "tables/cursor.h"

#include "tables/select.h"

#include <string.h>

/* "-9223372036854775808" */
#define NUMBER_SIZE 21

struct TableCursor {
  sqlite3_stmt *stmt;            /* NULL: no rows (any more), or no file */
  TableSelect *select;           /* NULL: no file */
  GPtrArray *texts;              /* of the present row: repaired copies of invalid texts */
  char numbers[64][NUMBER_SIZE]; /* of the present row, by column of the result */
};

static int
bind_values(sqlite3_stmt *stmt, const GArray *values)
{
  int result = SQLITE_OK;
  for (guint i = 0; i < values->len && result == SQLITE_OK; i++) {
    const TableValue *value = &g_array_index(values, TableValue, i);
    int parameter = (int)i + 1;
    result = value->text != NULL
                 ? sqlite3_bind_text(stmt, parameter, value->text, -1, SQLITE_TRANSIENT)
                 : sqlite3_bind_int64(stmt, parameter, value->number);
  }
  return result;
}

TableCursor *
table_cursor_open(TableStore *store, const WdTable *table, const TableQuery *query, GError **error)
{
  guint source = table_source_index(table);
  sqlite3 *db;
  guint64 columns;
  if (!table_store_connect(store, source, &db, &columns, error))
    return NULL;
  g_autoptr(TableCursor) cursor = g_new0(TableCursor, 1);
  cursor->texts = g_ptr_array_new_with_free_func(g_free);
  if (db != NULL) {
    cursor->select = table_select_new(&table_sources[source], query, columns);
    if (sqlite3_prepare_v2(db, cursor->select->sql, -1, &cursor->stmt, NULL) != SQLITE_OK ||
        bind_values(cursor->stmt, cursor->select->values) != SQLITE_OK) {
      wd_database_set_error(db, error);
      return NULL;
    }
  }
  return g_steal_pointer(&cursor);
}

void
table_cursor_free(TableCursor *cursor)
{
  if (cursor == NULL)
    return;
  sqlite3_finalize(cursor->stmt);
  table_select_free(cursor->select);
  g_ptr_array_unref(cursor->texts);
  g_free(cursor);
}

TableStep
table_cursor_next(TableCursor *cursor, GError **error)
{
  g_ptr_array_set_size(cursor->texts, 0);
  if (cursor->stmt == NULL)
    return TABLE_END;
  switch (sqlite3_step(cursor->stmt)) {
  case SQLITE_ROW:
    return TABLE_ROW;
  case SQLITE_DONE:
    g_clear_pointer(&cursor->stmt, sqlite3_finalize); /* one more step would start over */
    return TABLE_END;
  default:
    wd_database_set_error(sqlite3_db_handle(cursor->stmt), error);
    return TABLE_FAILED;
  }
}

/* Most values are whole numbers, and SQLite writes them slowly.
 * @end: just after the last digit. Returns: the first character. */
static char *
write_number(char *end, gint64 number)
{
  guint64 rest = number < 0 ? 0 - (guint64)number : (guint64)number;
  char *at = end;
  do
    *--at = (char)('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (number < 0)
    *--at = '-';
  return at;
}

const char *
table_cursor_text(TableCursor *cursor, guint column, gsize *length)
{
  *length = 0;
  int result = cursor->select->results[column];
  if (result < 0)
    return NULL;
  if (sqlite3_column_type(cursor->stmt, result) == SQLITE_INTEGER) {
    char *end = cursor->numbers[result] + NUMBER_SIZE - 1;
    const char *number = write_number(end, sqlite3_column_int64(cursor->stmt, result));
    *end = '\0';
    *length = (gsize)(end - number);
    return number;
  }
  const char *text = (const char *)sqlite3_column_text(cursor->stmt, result);
  if (text == NULL)
    return NULL;
  gsize bytes = (gsize)sqlite3_column_bytes(cursor->stmt, result);
  if (!g_utf8_validate_len(text, bytes, NULL)) { /* NUL isn't valid either */
    char *valid = g_utf8_make_valid(text, (gssize)bytes);
    g_ptr_array_add(cursor->texts, valid);
    text = valid;
    bytes = strlen(valid);
  }
  *length = bytes;
  return text;
}

gint64
table_cursor_int64(TableCursor *cursor, guint column)
{
  return sqlite3_column_int64(cursor->stmt, cursor->select->results[column]);
}

double
table_cursor_double(TableCursor *cursor, guint column)
{
  return sqlite3_column_double(cursor->stmt, cursor->select->results[column]);
}

gboolean
table_cursor_is_null(TableCursor *cursor, guint column)
{
  int result = cursor->select->results[column];
  return result < 0 || sqlite3_column_type(cursor->stmt, result) == SQLITE_NULL;
}
