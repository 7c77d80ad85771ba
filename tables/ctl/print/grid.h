/* A box with a header, as osqueryi draws it. The first thousand rows are held back and set the
 * widths. Later rows are printed at once, so that memory stays bounded. */
#pragma once

#include "tables/ctl/print/format.h"

G_BEGIN_DECLS

int ctl_print_box(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
