#include "tables/ctl/print/value.h"

#include "tables/ctl/print/text.h"
#include "watchdog/core/event/none.h"

#include <math.h>

gint64
ctl_integer(sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_type(stmt, column) == SQLITE_NULL ? WD_NONE
                                                          : sqlite3_column_int64(stmt, column);
}

double
ctl_real(sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_type(stmt, column) == SQLITE_NULL ? NAN
                                                          : sqlite3_column_double(stmt, column);
}

void
ctl_append_blob(GString *string, sqlite3_stmt *stmt, int column)
{
  const guchar *bytes = sqlite3_column_blob(stmt, column);
  int length = sqlite3_column_bytes(stmt, column);
  g_string_append(string, "X'");
  for (int i = 0; i < length; i++)
    g_string_append_printf(string, "%02X", bytes[i]);
  g_string_append_c(string, '\'');
}

char *
ctl_visible_name(sqlite3_stmt *stmt, int column)
{
  const char *name = sqlite3_column_name(stmt, column);
  return ctl_visible(name != NULL ? name : ""); /* out of memory */
}

char *
ctl_visible_value(sqlite3_stmt *stmt, int column)
{
  GString *string = g_string_new(NULL);
  if (sqlite3_column_type(stmt, column) == SQLITE_BLOB) {
    ctl_append_blob(string, stmt, column);
  } else {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    if (text != NULL) /* NULL, or out of memory */
      ctl_append_visible(string, text, (gsize)sqlite3_column_bytes(stmt, column));
  }
  return g_string_free(string, FALSE);
}
