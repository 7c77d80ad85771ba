#include "tables/ctl/print/rows.h"

#include "tables/ctl/print/text.h"

#define GAP 2

typedef struct {
  char *text; /* owned */
  CtlColour colour;
} Cell;

struct CtlRows {
  const CtlColumn *columns;
  guint n;
  CtlTerminal terminal;
  FILE *out;
  GArray *cells; /* of Cell; the titles first */
};

static void
clear_cell(gpointer data)
{
  g_free(((Cell *)data)->text);
}

CtlRows *
ctl_rows_new(const CtlColumn *columns, guint n, const CtlTerminal *terminal, FILE *out)
{
  CtlRows *rows = g_new0(CtlRows, 1);
  rows->columns = columns;
  rows->n = n;
  rows->terminal = *terminal;
  rows->out = out;
  rows->cells = g_array_new(FALSE, FALSE, sizeof(Cell));
  g_array_set_clear_func(rows->cells, clear_cell);
  for (guint i = 0; i < n; i++)
    ctl_rows_add(rows, g_strdup(columns[i].title), CTL_COLOUR_BOLD);
  return rows;
}

void
ctl_rows_add(CtlRows *rows, char *text, CtlColour colour)
{
  const Cell cell = {.text = text, .colour = colour};
  g_array_append_val(rows->cells, cell);
}

static gboolean
is_shown(const CtlRows *rows, guint column)
{
  return rows->terminal.width == 0 || rows->terminal.width >= rows->columns[column].least_width;
}

static gsize
column_width(const CtlRows *rows, guint column)
{
  gsize width = 0;
  for (guint i = column; i < rows->cells->len; i += rows->n)
    width = MAX(width, ctl_display_width(g_array_index(rows->cells, Cell, i).text));
  return width;
}

/* Blanks are printed only before text, so that no line ends in them. */
static void
print_row(const CtlRows *rows, const Cell *cells, const gsize *widths)
{
  gsize at = 0;   /* where the cursor stands */
  gsize goal = 0; /* where the next cell begins */
  for (guint i = 0; i < rows->n; i++) {
    if (!is_shown(rows, i))
      continue;
    gsize room = rows->terminal.width == 0     ? G_MAXUINT
                 : rows->terminal.width > goal ? rows->terminal.width - goal
                                               : 0;
    g_autofree char *text = ctl_cut(&rows->terminal, cells[i].text, (guint)room);
    if (*text != '\0') {
      fprintf(rows->out, "%*s%s%s%s", (int)(goal - at), "",
              ctl_colour_begin(&rows->terminal, cells[i].colour), text,
              ctl_colour_end(&rows->terminal, cells[i].colour));
      at = goal + ctl_display_width(text);
    }
    goal += widths[i] + GAP;
  }
  fputc('\n', rows->out);
}

void
ctl_rows_end(CtlRows *rows)
{
  g_autofree gsize *widths = g_new0(gsize, rows->n);
  for (guint i = 0; i < rows->n; i++)
    widths[i] = column_width(rows, i);
  for (guint i = 0; i + rows->n <= rows->cells->len; i += rows->n)
    print_row(rows, &g_array_index(rows->cells, Cell, i), widths);
  g_array_unref(rows->cells);
  g_free(rows);
}
