#include "tables/ctl/print/grid.h"

#include "tables/ctl/print/print.h"
#include "tables/ctl/print/text.h"

#define HELD_BACK 1000

struct CtlGrid {
  FILE *out;
  guint columns;
  gsize *widths;
  GPtrArray *held; /* of GStrv, the titles first; NULL once the widths are fixed */
};

static void
print_rule(const CtlGrid *grid)
{
  for (guint i = 0; i < grid->columns; i++) {
    fputc('+', grid->out);
    for (gsize n = 0; n < grid->widths[i] + 2; n++)
      fputc('-', grid->out);
  }
  fputs("+\n", grid->out);
}

static void
print_row(const CtlGrid *grid, char **cells)
{
  for (guint i = 0; i < grid->columns; i++) {
    gsize width = ctl_display_width(cells[i]);
    fprintf(grid->out, "| %s%*s ", cells[i], (int)(grid->widths[i] - MIN(width, grid->widths[i])),
            "");
  }
  fputs("|\n", grid->out);
}

static void
print_held(CtlGrid *grid)
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
hold_back(CtlGrid *grid, char **cells)
{
  for (guint i = 0; i < grid->columns; i++)
    grid->widths[i] = MAX(grid->widths[i], ctl_display_width(cells[i]));
  g_ptr_array_add(grid->held, cells);
}

CtlGrid *
ctl_grid_new(const char *const *titles, FILE *out)
{
  CtlGrid *grid = g_new0(CtlGrid, 1);
  grid->out = out;
  while (titles[grid->columns] != NULL)
    grid->columns++;
  grid->widths = g_new0(gsize, grid->columns);
  grid->held = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
  g_autoptr(GStrvBuilder) copies = g_strv_builder_new();
  for (guint i = 0; i < grid->columns; i++)
    g_strv_builder_add(copies, titles[i]);
  hold_back(grid, g_strv_builder_end(copies));
  return grid;
}

void
ctl_grid_add(CtlGrid *grid, char **cells)
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

void
ctl_grid_end(CtlGrid *grid)
{
  print_held(grid);
  print_rule(grid);
  g_free(grid->widths);
  g_free(grid);
}

int
ctl_print_box(sqlite3_stmt *stmt, CtlPart part, FILE *out)
{
  (void)part; /* boxes are only drawn around whole results */
  int n = sqlite3_column_count(stmt);
  int result = sqlite3_step(stmt);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return result; /* not a box around nothing */
  g_auto(GStrv) titles = g_new0(char *, (gsize)n + 1);
  for (int i = 0; i < n; i++)
    titles[i] = ctl_visible_name(stmt, i);
  CtlGrid *grid = ctl_grid_new((const char *const *)titles, out);
  for (; result == SQLITE_ROW; result = sqlite3_step(stmt)) {
    char **cells = g_new0(char *, (gsize)n + 1);
    for (int i = 0; i < n; i++)
      cells[i] = ctl_visible_value(stmt, i);
    ctl_grid_add(grid, cells);
  }
  ctl_grid_end(grid);
  return result;
}
