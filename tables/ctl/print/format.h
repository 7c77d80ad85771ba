/* The type of a format: a way to print the rows of a query, each streaming. */
#pragma once

#include <glib.h>
#include <sqlite3.h>
#include <stdio.h>

G_BEGIN_DECLS

/* Which part of a result the statement yields. */
typedef enum {
  CTL_PART_WHOLE, /* all of it */
  CTL_PART_FIRST, /* the beginning of one without end */
  CTL_PART_NEXT,  /* more of that */
} CtlPart;

/* Runs @stmt to its end and prints every row. Faults of writing are left in @out for ferror().
 * Returns: SQLITE_DONE, or the error code of the step that failed. */
typedef int (*CtlPrint)(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
