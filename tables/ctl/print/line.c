#include "tables/ctl/print/line.h"

#include "tables/ctl/print/text.h"
#include "tables/ctl/print/value.h"

int
ctl_print_line(sqlite3_stmt *stmt, CtlPart part, FILE *out)
{
  int n = sqlite3_column_count(stmt);
  gsize widest = 0;
  for (int i = 0; i < n; i++) {
    g_autofree char *name = ctl_visible_name(stmt, i);
    widest = MAX(widest, ctl_display_width(name));
  }
  gboolean first = part != CTL_PART_NEXT;
  int result;
  while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
    if (!first)
      fputc('\n', out);
    first = FALSE;
    for (int i = 0; i < n; i++) {
      g_autofree char *name = ctl_visible_name(stmt, i);
      g_autofree char *value = ctl_visible_value(stmt, i);
      fprintf(out, "%*s%s = %s\n", (int)(widest - ctl_display_width(name)), "", name, value);
    }
  }
  return result;
}
