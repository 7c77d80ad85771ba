#include "tables/ctl/print/csv.h"

#include "tables/ctl/print/value.h"

#include <string.h>
#include <unistd.h>

static void
append_field(GString *line, const char *text, gsize length)
{
  gboolean plain = length > 0 && strcspn(text, ",\"\r\n") == length;
  if (!plain)
    g_string_append_c(line, '"');
  for (gsize i = 0; i < length; i++) {
    if (text[i] == '"')
      g_string_append_c(line, '"');
    g_string_append_c(line, text[i]);
  }
  if (!plain)
    g_string_append_c(line, '"');
}

/* A file gets the data unchanged; a terminal gets nothing that it might act upon. */
static void
append_value(GString *line, sqlite3_stmt *stmt, int column, gboolean terminal)
{
  int type = sqlite3_column_type(stmt, column);
  if (type == SQLITE_NULL)
    return;
  if (type == SQLITE_BLOB || terminal) {
    g_autofree char *text = ctl_visible_value(stmt, column);
    append_field(line, text, strlen(text));
    return;
  }
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  if (text != NULL)
    append_field(line, text, (gsize)sqlite3_column_bytes(stmt, column));
}

static void
append_header(GString *line, sqlite3_stmt *stmt, gboolean terminal)
{
  for (int i = 0; i < sqlite3_column_count(stmt); i++) {
    g_autofree char *visible = ctl_visible_name(stmt, i);
    const char *name = terminal ? visible : sqlite3_column_name(stmt, i);
    if (i > 0)
      g_string_append_c(line, ',');
    append_field(line, name, strlen(name));
  }
}

static void
write_line(GString *line, FILE *out)
{
  g_string_append(line, "\r\n");
  fwrite(line->str, 1, line->len, out);
  g_string_truncate(line, 0);
}

int
ctl_print_csv(sqlite3_stmt *stmt, CtlPart part, FILE *out)
{
  int fd = fileno(out);
  gboolean terminal = fd >= 0 && isatty(fd);
  g_autoptr(GString) line = g_string_new(NULL);
  int result = sqlite3_step(stmt);
  if (part != CTL_PART_NEXT && (result == SQLITE_ROW || result == SQLITE_DONE)) {
    append_header(line, stmt, terminal);
    write_line(line, out);
  }
  for (; result == SQLITE_ROW; result = sqlite3_step(stmt)) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      if (i > 0)
        g_string_append_c(line, ',');
      append_value(line, stmt, i, terminal);
    }
    write_line(line, out);
  }
  return result;
}
