/* JSON: an array of objects for a whole result, one object a line for a part. Integers and reals
 * are numbers, a BLOB is a string X'00FF', an infinity is null. */
#pragma once

#include "tables/ctl/print/format.h"

G_BEGIN_DECLS

int ctl_print_json(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
