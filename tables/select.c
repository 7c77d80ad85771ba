#include "tables/select.h"

#include <math.h>
#include <string.h>

/* More `=` on one column than this aren't worth passing on. */
#define MOST_EQUALITIES 1000

/* Whole numbers up to here survive the way through a double and 15 digits of text. */
#define GREATEST_EXACT 1e15

static const char *
operator_text(TableOperator op)
{
  switch (op) {
  case TABLE_OP_EQ:
    return "=";
  case TABLE_OP_GT:
    return ">";
  case TABLE_OP_LE:
    return "<=";
  case TABLE_OP_LT:
    return "<";
  case TABLE_OP_GE:
    return ">=";
  }
  return NULL; /* the wire may carry any number */
}

/* Columns with options hold whole numbers, so a bound with a fraction may move outwards. It moves
 * by one more, because SQLite wrote it with 15 digits and may have rounded past the next whole
 * number.
 */
static gboolean
parse_fraction(const char *text, TableOperator op, gint64 *number)
{
  gsize length = strlen(text);
  const char *first = *text == '-' || *text == '+' ? text + 1 : text;
  if (length == 0 || strspn(text, "0123456789.eE+-") != length || !g_ascii_isdigit(*first) ||
      !g_ascii_isdigit(text[length - 1]))
    return FALSE;
  char *end;
  double value = g_ascii_strtod(text, &end);
  if (*end != '\0' || !(fabs(value) < GREATEST_EXACT))
    return FALSE;
  switch (op) {
  case TABLE_OP_GT:
  case TABLE_OP_GE:
    *number = (gint64)floor(value) - 1;
    return TRUE;
  case TABLE_OP_LT:
  case TABLE_OP_LE:
    *number = (gint64)ceil(value) + 1;
    return TRUE;
  case TABLE_OP_EQ:
    break;
  }
  return FALSE;
}

/* What to bind for @constraint. Returns: FALSE when it can't be passed on. */
static gboolean
constraint_value(const TableConstraint *constraint, WdColumnType type, TableValue *value)
{
  *value = (TableValue){0};
  if (constraint->value == NULL || operator_text(constraint->op) == NULL)
    return FALSE;
  switch (type) {
  case WD_TYPE_TEXT:
    value->text = constraint->value;
    return constraint->op == TABLE_OP_EQ;
  case WD_TYPE_INTEGER:
  case WD_TYPE_BIGINT:
    return g_ascii_string_to_signed(constraint->value, 10, G_MININT64, G_MAXINT64, &value->number,
                                    NULL) ||
           parse_fraction(constraint->value, constraint->op, &value->number);
  case WD_TYPE_DOUBLE:
    return FALSE;
  }
  g_assert_not_reached();
}

/* Writes " AND column IN (?, …)" for all equalities of @column: they mean OR, so that all of them
 * are passed on or none. */
static void
append_equalities(GString *sql, GArray *values, const TableQuery *query, guint column,
                  const WdColumn *definition, const char *prefix)
{
  guint before = values->len;
  for (guint i = 0; i < query->constraints->len; i++) {
    const TableConstraint *constraint = &g_array_index(query->constraints, TableConstraint, i);
    if (constraint->column != column || constraint->op != TABLE_OP_EQ)
      continue;
    TableValue value;
    if (!constraint_value(constraint, definition->type, &value) ||
        values->len - before == MOST_EQUALITIES) {
      g_array_set_size(values, before);
      return;
    }
    g_array_append_val(values, value);
  }
  for (guint i = before; i < values->len; i++)
    if (i == before)
      g_string_append_printf(sql, " AND %s%s IN (?", prefix, definition->name);
    else
      g_string_append(sql, ", ?");
  if (values->len > before)
    g_string_append_c(sql, ')');
}

/* Writes " AND …" for every constraint on @column that can be passed on. */
static void
append_column(GString *sql, GArray *values, const TableQuery *query, guint column,
              const WdColumn *definition, const char *prefix)
{
  append_equalities(sql, values, query, column, definition, prefix);
  for (guint i = 0; i < query->constraints->len; i++) {
    const TableConstraint *constraint = &g_array_index(query->constraints, TableConstraint, i);
    TableValue value;
    if (constraint->column != column || constraint->op == TABLE_OP_EQ ||
        !constraint_value(constraint, definition->type, &value))
      continue;
    g_array_append_val(values, value);
    g_string_append_printf(sql, " AND %s%s %s ?", prefix, definition->name,
                           operator_text(constraint->op));
  }
}

/* Lists the columns that are used, NULL for one that isn't @there; or NULL alone if none is used,
 * because then the rows are only counted. */
static void
append_columns(GString *sql, TableSelect *select, const TableSource *source, guint64 used,
               guint64 there)
{
  gint8 n = 0;
  memset(select->results, -1, sizeof select->results);
  for (guint i = 0; i < source->table->n_columns; i++) {
    if ((used >> i & 1) == 0)
      continue;
    const char *name = source->table->columns[i].name;
    if ((there >> i & 1) == 0)
      name = "NULL";
    gboolean computed = g_strcmp0(name, source->computed) == 0;
    g_string_append_printf(sql, "%s%s", n == 0 ? "" : ", ", computed ? source->expression : name);
    select->results[i] = n++;
  }
  if (n == 0)
    g_string_append(sql, "NULL");
}

/* The rows must come ordered by the key without a sort, which would take memory for all of them or
 * a temporary file. So a constraint on the key drives the search, and the others only filter: the +
 * keeps SQLite from using their indexes. Without one, the other indexes yield keys for an IN, whose
 * list SQLite keeps ordered. */
TableSelect *
table_select_new(const TableSource *source, const TableQuery *query, guint64 columns)
{
  const WdTable *table = source->table;
  TableSelect *select = g_new0(TableSelect, 1);
  select->values = g_array_new(FALSE, FALSE, sizeof(TableValue));
  g_autoptr(GString) where = g_string_new("TRUE");
  const gsize nothing = where->len;
  for (guint i = 0; i < table->n_columns; i++)
    if (g_str_equal(table->columns[i].name, table->key))
      append_column(where, select->values, query, i, &table->columns[i], "");
  gboolean by_key = where->len > nothing;
  for (guint i = 0; i < table->n_columns; i++)
    if (table->columns[i].options != WD_OPTION_NONE &&
        !g_str_equal(table->columns[i].name, table->key))
      append_column(where, select->values, query, i, &table->columns[i], by_key ? "+" : "");

  GString *sql = g_string_new("SELECT ");
  append_columns(sql, select, source, query->columns_used, columns);
  if (by_key || where->len == nothing)
    g_string_append_printf(sql, " FROM %s WHERE %s", table->stored, where->str);
  else
    g_string_append_printf(sql, " FROM %s WHERE %s IN (SELECT %s FROM %s WHERE %s)", table->stored,
                           table->key, table->key, table->stored, where->str);
  g_string_append_printf(sql, " ORDER BY %s", table->key);
  select->sql = g_string_free(sql, FALSE);
  return select;
}

void
table_select_free(TableSelect *select)
{
  if (select == NULL)
    return;
  g_free(select->sql);
  g_array_unref(select->values);
  g_free(select);
}
