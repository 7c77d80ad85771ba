/* The formats in which the rows of a query are printed, each streaming. */
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

/* json.c: an array of objects; parts: one object a line. Integers and reals as numbers, BLOBs as
 * strings of X'00FF', infinities as null. */
int ctl_print_json(sqlite3_stmt *stmt, CtlPart part, FILE *out);

/* csv.c: RFC 4180, with a header line. NULL as an empty field, an empty text as "". */
int ctl_print_csv(sqlite3_stmt *stmt, CtlPart part, FILE *out);

/* line.c: "name = value" lines, an empty line between rows. */
int ctl_print_line(sqlite3_stmt *stmt, CtlPart part, FILE *out);

/* grid.c: a box with a header. */
int ctl_print_box(sqlite3_stmt *stmt, CtlPart part, FILE *out);

/* events.c: a log; of the columns of watchdog_events it shows the main ones. */
int ctl_print_log(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
