/* A log: a line for each row of watchdog_events, with its main columns. */
#pragma once

#include "tables/ctl/print/format.h"

G_BEGIN_DECLS

/* @stmt: selects all columns, in their order. */
int ctl_print_log(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
