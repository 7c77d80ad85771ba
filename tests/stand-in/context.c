#include "tests/stand-in/context.h"

#include <stdlib.h>
#include <string.h>

#include "tests/stand-in/json.h"

#define COLUMN_BITS 64

static void
clear_constraint(gpointer constraint)
{
  g_free(((StandConstraint *)constraint)->expr);
}

GArray *
stand_constraints_new(void)
{
  GArray *constraints = g_array_new(FALSE, FALSE, sizeof(StandConstraint));
  g_array_set_clear_func(constraints, clear_constraint);
  return constraints;
}

static int
compare_names(const void *a, const void *b)
{
  const StandColumn *const *one = a, *const *other = b;
  return strcmp((*one)->name, (*other)->name);
}

static void
append_column(GString *json, const StandColumn *column, guint index, const GArray *constraints)
{
  g_string_append(json, "{\"name\":");
  stand_json_string(json, column->name);
  g_string_append(json, ",\"list\":[");
  const char *separator = "";
  for (guint i = 0; i < constraints->len; i++) {
    const StandConstraint *constraint = &g_array_index(constraints, StandConstraint, i);
    if (constraint->column != index)
      continue;
    g_string_append_printf(json, "%s{\"op\":%u,\"expr\":", separator, constraint->op);
    stand_json_string(json, constraint->expr);
    g_string_append_c(json, '}');
    separator = ",";
  }
  g_string_append(json, "],\"affinity\":");
  stand_json_string(json, stand_type_name(column->type));
  g_string_append_c(json, '}');
}

char *
stand_context_json(const StandTable *table, const GArray *constraints, guint64 columns_used)
{
  guint n = table->columns->len;
  g_autofree const StandColumn **order = g_new(const StandColumn *, n);
  for (guint i = 0; i < n; i++)
    order[i] = stand_table_column(table, i);
  qsort(order, n, sizeof *order, compare_names);

  GString *json = g_string_new("{\"constraints\":[");
  for (guint i = 0; i < n; i++) {
    g_string_append(json, i > 0 ? "," : "");
    append_column(json, order[i], (guint)(order[i] - stand_table_column(table, 0)), constraints);
  }
  g_string_append(json, "],\"colsUsed\":[");
  const char *separator = "";
  for (guint i = 0; i < n; i++) {
    if ((columns_used >> MIN(i, COLUMN_BITS - 1) & 1) == 0)
      continue;
    g_string_append(json, separator);
    stand_json_string(json, stand_table_column(table, i)->name);
    separator = ",";
  }
  g_string_append_printf(json, "],\"colsUsedBitset\":%" G_GUINT64_FORMAT "}", columns_used);
  return g_string_free(json, FALSE);
}
