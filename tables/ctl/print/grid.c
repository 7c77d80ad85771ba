#include "tables/ctl/print/grid.h"

#include "tables/ctl/print/text.h"
#include "tables/ctl/print/value.h"

#define HELD_BACK 1000

typedef struct {
  FILE *out;
  guint columns;
  gsize *widths;
  GPtrArray *held; /* of GStrv, the titles first; NULL once the widths are fixed */
} Grid;

static void
print_rule(const Grid *grid)
{
  for (guint i = 0; i < grid->columns; i++) {
    fputc('+', grid->out);
    for (gsize n = 0; n < grid->widths[i] + 2; n++)
      fputc('-', grid->out);
  }
  fputs("+\n", grid->out);
}

static void
print_row(const Grid *grid, char **cells)
{
  for (guint i = 0; i < grid->columns; i++) {
    gsize width = ctl_display_width(cells[i]);
    fprintf(grid->out, "| %s%*s ", cells[i], (int)(grid->widths[i] - MIN(width, grid->widths[i])),
            "");
  }
  fputs("|\n", grid->out);
}

static void
print_held(Grid *grid)
{
  if (grid->held == NULL)
    return;
  print_rule(grid);
  for (guint i = 0; i < grid->held->len; i++) {
    print_row(grid, grid->held->pdata[i]);
    if (i == 0)
      print_rule(grid);
  }
  g_clear_pointer(&grid->held, g_ptr_array_unref);
}

static void
hold_back(Grid *grid, char **cells)
{
  for (guint i = 0; i < grid->columns; i++)
    grid->widths[i] = MAX(grid->widths[i], ctl_display_width(cells[i]));
  g_ptr_array_add(grid->held, cells);
}

/* A cell for each column, as @text_of makes it. */
static char **
row_of(sqlite3_stmt *stmt, char *(*text_of)(sqlite3_stmt *stmt, int column))
{
  const int n = sqlite3_column_count(stmt);
  char **cells = g_new0(char *, (gsize)n + 1);
  for (int i = 0; i < n; i++)
    cells[i] = text_of(stmt, i);
  return cells;
}

/* @cells: taken. */
static void
add_row(Grid *grid, char **cells)
{
  if (grid->held != NULL) {
    hold_back(grid, cells);
    if (grid->held->len > HELD_BACK)
      print_held(grid);
  } else {
    print_row(grid, cells);
    g_strfreev(cells);
  }
}

int
ctl_print_box(sqlite3_stmt *stmt, CtlPart part, FILE *out)
{
  (void)part; /* boxes are only drawn around whole results */
  const int n = sqlite3_column_count(stmt);
  int result = sqlite3_step(stmt);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return result; /* no box around an error */
  g_autofree gsize *widths = g_new0(gsize, (gsize)n);
  Grid grid = {.out = out,
               .columns = (guint)n,
               .widths = widths,
               .held = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev)};
  add_row(&grid, row_of(stmt, ctl_visible_name));
  for (; result == SQLITE_ROW; result = sqlite3_step(stmt))
    add_row(&grid, row_of(stmt, ctl_visible_value));
  print_held(&grid);
  print_rule(&grid);
  return result;
}
