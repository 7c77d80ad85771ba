/* Rows of coloured cells, aligned in columns and cut to fit the terminal. */
#pragma once

#include "tables/ctl/print/terminal.h"

G_BEGIN_DECLS

typedef struct {
  const char *title;
  guint least_width; /* shown on terminals of at least so many columns */
} CtlColumn;

typedef struct CtlRows CtlRows;

/* @columns: @n of them, must outlive the rows. */
CtlRows *ctl_rows_new(const CtlColumn *columns, guint n, const CtlTerminal *terminal, FILE *out);

/* The next cell, row by row. @text: visible text; taken. */
void ctl_rows_add(CtlRows *rows, char *text, CtlColour colour);

/* Prints them all, with their titles; what doesn't fit is cut. Frees them. */
void ctl_rows_end(CtlRows *rows);

G_END_DECLS
