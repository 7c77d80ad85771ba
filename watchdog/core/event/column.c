#include "watchdog/core/event/column.h"

#include "watchdog/core/event/none.h"

#include <math.h>

void
wd_table_set_absent(const WdTable *table, gpointer row)
{
  for (guint i = 0; i < table->n_columns + table->n_hidden; i++) {
    const WdColumn *column = &table->columns[i];
    if (column->value == WD_VALUE_INTEGER)
      G_STRUCT_MEMBER(gint64, row, column->offset) = WD_NONE;
    else if (column->value == WD_VALUE_REAL)
      G_STRUCT_MEMBER(double, row, column->offset) = NAN;
  }
}

void
wd_table_free_texts(const WdTable *table, gpointer row)
{
  for (guint i = 0; i < table->n_columns + table->n_hidden; i++)
    if (table->columns[i].value == WD_VALUE_TEXT)
      g_free(G_STRUCT_MEMBER(char *, row, table->columns[i].offset));
}
