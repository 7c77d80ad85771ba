#include "tables/ctl/print/text.h"

#include "watchdog/core/event/event.h"

#include <string.h>

gboolean
ctl_is_unsafe(gunichar c)
{
  switch ((int)g_unichar_type(c)) {
  case G_UNICODE_CONTROL:
  case G_UNICODE_FORMAT:
  case G_UNICODE_SURROGATE:
  case G_UNICODE_UNASSIGNED:
  case G_UNICODE_PRIVATE_USE:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR:
    return TRUE;
  default:
    return FALSE;
  }
}

static void
append_escape(GString *string, gunichar c)
{
  switch (c) {
  case '\n':
    g_string_append(string, "\\n");
    break;
  case '\r':
    g_string_append(string, "\\r");
    break;
  case '\t':
    g_string_append(string, "\\t");
    break;
  default:
    g_string_append_printf(string, c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
    break;
  }
}

void
ctl_append_visible(GString *string, const char *text, gsize length)
{
  const char *end = text + length;
  while (text < end) {
    if (*text == '\0') {
      g_string_append(string, "\\x00");
      text++;
      continue;
    }
    gunichar c = g_utf8_get_char_validated(text, end - text);
    if (c == (gunichar)-1 || c == (gunichar)-2) {
      g_string_append_printf(string, "\\x%02x", (guchar)*text);
      text++;
      continue;
    }
    if (ctl_is_unsafe(c))
      append_escape(string, c);
    else
      g_string_append_unichar(string, c);
    text = g_utf8_next_char(text);
  }
}

char *
ctl_visible(const char *text)
{
  GString *string = g_string_new(NULL);
  ctl_append_visible(string, text, strlen(text));
  return g_string_free(string, FALSE);
}

gsize
ctl_display_width(const char *text)
{
  gsize width = 0;
  for (; *text != '\0'; text = g_utf8_next_char(text)) {
    gunichar c = g_utf8_get_char(text);
    if (!g_unichar_iszerowidth(c))
      width += g_unichar_iswide(c) ? 2 : 1;
  }
  return width;
}

gint64
ctl_integer(sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_type(stmt, column) == SQLITE_NULL ? WD_NONE
                                                          : sqlite3_column_int64(stmt, column);
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
  const char *text;
  switch (sqlite3_column_type(stmt, column)) {
  case SQLITE_NULL:
    break;
  case SQLITE_BLOB:
    ctl_append_blob(string, stmt, column);
    break;
  default:
    text = (const char *)sqlite3_column_text(stmt, column);
    if (text != NULL) /* out of memory */
      ctl_append_visible(string, text, (gsize)sqlite3_column_bytes(stmt, column));
    break;
  }
  return g_string_free(string, FALSE);
}
