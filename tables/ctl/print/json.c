#include "tables/ctl/print/json.h"

#include "tables/ctl/print/text.h"
#include "tables/ctl/print/value.h"

#include <math.h>
#include <string.h>

static void
append_escape(GString *string, gunichar c)
{
  if (c > 0xffff) {
    gunichar rest = c - 0x10000;
    g_string_append_printf(string, "\\u%04x\\u%04x", 0xd800 + (rest >> 10),
                           0xdc00 + (rest & 0x3ff));
  } else
    g_string_append_printf(string, "\\u%04x", c);
}

static void
append_string(GString *string, const char *text, gsize length)
{
  g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
  g_string_append_c(string, '"');
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
    gunichar c = g_utf8_get_char(at);
    if (c == '"' || c == '\\') {
      g_string_append_c(string, '\\');
      g_string_append_unichar(string, c);
    } else if (c == '\n')
      g_string_append(string, "\\n");
    else if (c == '\t')
      g_string_append(string, "\\t");
    else if (ctl_is_unsafe(c))
      append_escape(string, c);
    else
      g_string_append_unichar(string, c);
  }
  g_string_append_c(string, '"');
}

static void
append_value(GString *string, sqlite3_stmt *stmt, int column)
{
  const char *text;
  switch (sqlite3_column_type(stmt, column)) {
  case SQLITE_INTEGER:
    g_string_append_printf(string, "%" G_GINT64_FORMAT, (gint64)sqlite3_column_int64(stmt, column));
    break;
  case SQLITE_FLOAT:
    if (isfinite(sqlite3_column_double(stmt, column)))
      g_string_append(string, (const char *)sqlite3_column_text(stmt, column));
    else
      g_string_append(string, "null");
    break;
  case SQLITE_TEXT:
    text = (const char *)sqlite3_column_text(stmt, column);
    append_string(string, text != NULL ? text : "", (gsize)sqlite3_column_bytes(stmt, column));
    break;
  case SQLITE_BLOB:
    g_string_append_c(string, '"');
    ctl_append_blob(string, stmt, column);
    g_string_append_c(string, '"');
    break;
  default:
    g_string_append(string, "null");
    break;
  }
}

static void
append_object(GString *string, sqlite3_stmt *stmt)
{
  g_string_append_c(string, '{');
  for (int i = 0; i < sqlite3_column_count(stmt); i++) {
    const char *name = sqlite3_column_name(stmt, i);
    if (i > 0)
      g_string_append_c(string, ',');
    append_string(string, name, strlen(name));
    g_string_append_c(string, ':');
    append_value(string, stmt, i);
  }
  g_string_append_c(string, '}');
}

int
ctl_print_json(sqlite3_stmt *stmt, CtlPart part, FILE *out)
{
  gboolean array = part == CTL_PART_WHOLE;
  g_autoptr(GString) text = g_string_new(array ? "[" : "");
  gboolean first = TRUE;
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
    if (array)
      g_string_append(text, first ? "\n  " : ",\n  ");
    append_object(text, stmt);
    if (!array)
      g_string_append_c(text, '\n');
    fputs(text->str, out);
    g_string_truncate(text, 0);
    first = FALSE;
  }
  if (array && result == SQLITE_DONE)
    fprintf(out, "%s\n]\n", text->str);
  return result;
}
