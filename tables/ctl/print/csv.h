/* RFC 4180, with a header line: NULL as an empty field, an empty text as "". */
#pragma once

#include "tables/ctl/print/format.h"

G_BEGIN_DECLS

int ctl_print_csv(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
