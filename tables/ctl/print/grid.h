/* A box with a header, as osqueryi draws it. The widths are those of the first thousand rows, which
 * are held back; later rows are printed at once, so that memory stays bounded. */
#pragma once

#include "tables/ctl/print/format.h"

G_BEGIN_DECLS

int ctl_print_box(sqlite3_stmt *stmt, CtlPart part, FILE *out);

G_END_DECLS
