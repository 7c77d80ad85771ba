#include "tests/stand-in/print.h"

#include <string.h>

#include "tests/stand-in/json.h"

static const char *
value_of(const GPtrArray *rows, guint row, const char *column)
{
  const char *value = g_hash_table_lookup(g_ptr_array_index(rows, row), column);
  return value != NULL ? value : "";
}

static glong
width_of(const char *text)
{
  return g_utf8_validate(text, -1, NULL) ? g_utf8_strlen(text, -1) : (glong)strlen(text);
}

static void
repeat(GString *text, char c, glong n)
{
  for (glong i = 0; i < n; i++)
    g_string_append_c(text, c);
}

static void
append_cell(GString *text, const char *value, glong width)
{
  g_string_append_printf(text, "| %s ", value);
  repeat(text, ' ', width - width_of(value));
}

static void
append_rule(GString *text, const glong *widths, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_string_append_c(text, '+');
    repeat(text, '-', widths[i] + 2);
  }
  g_string_append(text, "+\n");
}

static void
append_table(GString *text, const char *const *columns, guint n, const GPtrArray *rows)
{
  if (rows->len == 0)
    return;
  g_autofree glong *widths = g_new(glong, n);
  for (guint i = 0; i < n; i++) {
    widths[i] = width_of(columns[i]);
    for (guint row = 0; row < rows->len; row++)
      widths[i] = MAX(widths[i], width_of(value_of(rows, row, columns[i])));
  }
  append_rule(text, widths, n);
  for (guint i = 0; i < n; i++)
    append_cell(text, columns[i], widths[i]);
  g_string_append(text, "|\n");
  append_rule(text, widths, n);
  for (guint row = 0; row < rows->len; row++) {
    for (guint i = 0; i < n; i++)
      append_cell(text, value_of(rows, row, columns[i]), widths[i]);
    g_string_append(text, "|\n");
  }
  append_rule(text, widths, n);
}

static void
append_json(GString *text, const char *const *columns, guint n, const GPtrArray *rows)
{
  g_string_append(text, "[\n");
  for (guint row = 0; row < rows->len; row++) {
    g_string_append(text, "  {");
    for (guint i = 0; i < n; i++) {
      stand_json_string(text, columns[i]);
      g_string_append_c(text, ':');
      stand_json_string(text, value_of(rows, row, columns[i]));
      g_string_append(text, i + 1 < n ? "," : "");
    }
    g_string_append(text, row + 1 < rows->len ? "},\n" : "}\n");
  }
  g_string_append(text, "]\n");
}

static void
append_lines(GString *text, const char *const *columns, guint n, const GPtrArray *rows)
{
  glong width = 0;
  for (guint i = 0; i < n; i++)
    width = MAX(width, width_of(columns[i]));
  for (guint row = 0; row < rows->len; row++) {
    g_string_append(text, row > 0 ? "\n" : "");
    for (guint i = 0; i < n; i++) {
      repeat(text, ' ', width - width_of(columns[i]));
      g_string_append_printf(text, "%s = %s\n", columns[i], value_of(rows, row, columns[i]));
    }
  }
}

char *
stand_print(StandPrint form, const char *const *columns, const GPtrArray *rows)
{
  GString *text = g_string_new(NULL);
  guint n = 0;
  while (columns[n] != NULL)
    n++;
  switch (form) {
  case STAND_PRINT_TABLE:
    append_table(text, columns, n, rows);
    break;
  case STAND_PRINT_JSON:
    append_json(text, columns, n, rows);
    break;
  case STAND_PRINT_LINE:
    append_lines(text, columns, n, rows);
    break;
  }
  return g_string_free(text, FALSE);
}
