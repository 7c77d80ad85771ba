/* Rows of cells in a box, as osqueryi draws it. */
#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

typedef struct CtlGrid CtlGrid;

/* @titles: what stands over the columns, copied. */
CtlGrid *ctl_grid_new(const char *const *titles, FILE *out);

/* Adds a row. The widths are those of the first thousand rows: these are held back, and what
 * follows is printed at once, so that memory stays bounded.
 * @cells: visible text, as many as there are titles, NULL-terminated; taken. */
void ctl_grid_add(CtlGrid *grid, char **cells);

/* Prints what is held back, and the end; frees the grid. */
void ctl_grid_end(CtlGrid *grid);

G_END_DECLS
