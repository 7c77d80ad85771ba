/* A "name = value" line for each column, an empty line between rows. */
#pragma once

#include "tables/ctl/print/format.h"

G_BEGIN_DECLS

int ctl_print_line(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
