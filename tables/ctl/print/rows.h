/* Rows of coloured cells, aligned in columns and cut to fit the terminal. */
#pragma once

#include "tables/ctl/print/terminal.h"

G_BEGIN_DECLS

typedef struct {
  const char *title;
  guint least_width; /* shown on terminals of at least this many columns */
} CtlColumn;

typedef struct CtlRows CtlRows;

/* @columns: @n of them, must outlive the rows. */
CtlRows *ctl_rows_new(const CtlColumn *columns, guint n, const CtlTerminal *terminal, FILE *out);

/* Adds the next cell, row by row. @text: visible text; taken. */
void ctl_rows_add(CtlRows *rows, char *text, CtlColour colour);

/* Prints all rows with the titles, cut where they don't fit, and frees @rows. */
void ctl_rows_end(CtlRows *rows);

G_END_DECLS
