#include "tests/stand-in/virtual-table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stand-in/context.h"

#define COST_MAX 1e6

typedef struct {
  guint column, op;
  gboolean whole_list; /* IN (…), all of its values in one scan */
} Term;

/* One answer to xBestIndex. */
typedef struct {
  GArray *terms; /* of Term, in the order of xFilter's arguments */
  guint64 columns_used;
} Plan;

typedef struct {
  StandTable *table;
  const StandSource *source;
} Attachment;

typedef struct {
  sqlite3_vtab base;
  const Attachment *attachment;
  GPtrArray *plans; /* of Plan; idxNum is the index */
} VirtualTable;

typedef struct {
  sqlite3_vtab_cursor base;
  GPtrArray *rows; /* of GHashTable; NULL before the first scan */
  guint at;
} Cursor;

static void
plan_free(gpointer data)
{
  g_array_unref(((Plan *)data)->terms);
  g_free(data);
}

static int
x_connect(sqlite3 *db, void *aux, G_GNUC_UNUSED int argc, G_GNUC_UNUSED const char *const *argv,
          sqlite3_vtab **base, char **message)
{
  const Attachment *attachment = aux;
  g_autofree char *statement = stand_table_statement(attachment->table);
  int rc = sqlite3_declare_vtab(db, statement);
  if (rc != SQLITE_OK) {
    *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return rc;
  }
  VirtualTable *virtual = g_new0(VirtualTable, 1);
  virtual->attachment = attachment;
  virtual->plans = g_ptr_array_new_with_free_func(plan_free);
  *base = &virtual->base;
  return SQLITE_OK;
}

static int
x_disconnect(sqlite3_vtab *base)
{
  VirtualTable *virtual = (VirtualTable *)base;
  g_ptr_array_unref(virtual->plans);
  g_free(virtual);
  return SQLITE_OK;
}

static gboolean
is_range(guint op)
{
  return op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE ||
         op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
}

/* A constraint goes to the table when its column is indexed, additional or required. Ranges over
 * text do not, for SQLite and an extension may disagree on the order. */
static int
x_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
  VirtualTable *virtual = (VirtualTable *)base;
  const StandTable *table = virtual->attachment->table;
  Plan *plan = g_new0(Plan, 1);
  plan->terms = g_array_new(FALSE, FALSE, sizeof(Term));
  plan->columns_used = info->colUsed;
  double cost = COST_MAX;
  gboolean required = FALSE, required_given = FALSE;

  for (int i = 0; i < info->nConstraint; i++) {
    int column = info->aConstraint[i].iColumn;
    if (!info->aConstraint[i].usable || column < 0 || (guint)column >= table->columns->len)
      continue;
    const StandColumn *definition = stand_table_column(table, (guint)column);
    guint options = stand_column_effective_options(table, definition);
    if (definition->type == STAND_TYPE_TEXT && is_range(info->aConstraint[i].op)) {
      cost += 10;
      continue;
    }
    if ((options & (STAND_COLUMN_REQUIRED | STAND_COLUMN_INDEX | STAND_COLUMN_ADDITIONAL)) == 0)
      continue;
    required_given |= (options & STAND_COLUMN_REQUIRED) != 0;
    cost = 1;
    Term term = {.column = (guint)column, .op = info->aConstraint[i].op};
    if (sqlite3_vtab_in(info, i, -1) && (options & STAND_COLUMN_OPTIMIZED) != 0)
      term.whole_list = sqlite3_vtab_in(info, i, 1);
    g_array_append_val(plan->terms, term);
    info->aConstraintUsage[i].argvIndex = (int)plan->terms->len;
  }
  for (guint i = 0; i < table->columns->len; i++)
    if ((plan->columns_used >> MIN(i, 63) & 1) != 0)
      required |= (stand_table_column(table, i)->options & STAND_COLUMN_REQUIRED) != 0;
  info->estimatedCost = required && !required_given ? COST_MAX : cost;
  info->idxNum = (int)virtual->plans->len;
  g_ptr_array_add(virtual->plans, plan);
  return SQLITE_OK;
}

static int
x_open(G_GNUC_UNUSED sqlite3_vtab *base, sqlite3_vtab_cursor **cursor)
{
  Cursor *opened = g_new0(Cursor, 1);
  *cursor = &opened->base;
  return SQLITE_OK;
}

static int
x_close(sqlite3_vtab_cursor *base)
{
  Cursor *cursor = (Cursor *)base;
  g_clear_pointer(&cursor->rows, g_ptr_array_unref);
  g_free(cursor);
  return SQLITE_OK;
}

static void
add_constraint(GArray *constraints, const Term *term, guint op, sqlite3_value *value,
               gboolean empty_too)
{
  const char *text = (const char *)sqlite3_value_text(value);
  if (text == NULL || (*text == '\0' && !empty_too))
    return;
  StandConstraint constraint = {.column = term->column, .op = op, .expr = g_strdup(text)};
  g_array_append_val(constraints, constraint);
}

/* A plan that is scanned again (the inner loop of a join) hands over its list only the first time:
 * so does osquery. */
static void
add_list(GArray *constraints, Term *term, sqlite3_value *list)
{
  term->whole_list = FALSE;
  sqlite3_value *value = NULL;
  for (int rc = sqlite3_vtab_in_first(list, &value); rc == SQLITE_OK && value != NULL;
       rc = sqlite3_vtab_in_next(list, &value))
    add_constraint(constraints, term, SQLITE_INDEX_CONSTRAINT_EQ, value, TRUE);
}

static gboolean
required_satisfied(const StandTable *table, const Plan *plan)
{
  for (guint i = 0; i < plan->terms->len; i++) {
    guint column = g_array_index(plan->terms, Term, i).column;
    if ((stand_table_column(table, column)->options & STAND_COLUMN_REQUIRED) != 0)
      return TRUE;
  }
  for (guint i = 0; i < table->columns->len; i++)
    if ((stand_table_column(table, i)->options & STAND_COLUMN_REQUIRED) != 0)
      return FALSE;
  return TRUE;
}

static int
fail(VirtualTable *virtual, int rc, const char *message)
{
  sqlite3_free(virtual->base.zErrMsg);
  virtual->base.zErrMsg = sqlite3_mprintf("%s", message);
  return rc;
}

static int
x_filter(sqlite3_vtab_cursor *base, int index, G_GNUC_UNUSED const char *text, int argc,
         sqlite3_value **argv)
{
  Cursor *cursor = (Cursor *)base;
  VirtualTable *virtual = (VirtualTable *)base->pVtab;
  const Attachment *attachment = virtual->attachment;
  const Plan *plan = g_ptr_array_index(virtual->plans, (guint)index);
  g_autoptr(GArray) constraints = stand_constraints_new();
  for (int i = 0; i < argc; i++) {
    Term *term = &g_array_index(plan->terms, Term, i);
    if (term->whole_list)
      add_list(constraints, term, argv[i]);
    else
      add_constraint(constraints, term, term->op, argv[i], FALSE);
  }
  if (!required_satisfied(attachment->table, plan)) {
    g_autofree char *message =
        g_strdup_printf("Table %s was queried without a required column in the WHERE clause",
                        attachment->table->name);
    return fail(virtual, SQLITE_CONSTRAINT, message);
  }
  g_autofree char *context = stand_context_json(attachment->table, constraints, plan->columns_used);
  g_autoptr(GError) error = NULL;
  g_clear_pointer(&cursor->rows, g_ptr_array_unref);
  cursor->at = 0;
  cursor->rows = attachment->source->generate(attachment->table, context,
                                              attachment->source->user_data, &error);
  return cursor->rows != NULL ? SQLITE_OK : fail(virtual, SQLITE_ERROR, error->message);
}

static int
x_next(sqlite3_vtab_cursor *base)
{
  ((Cursor *)base)->at++;
  return SQLITE_OK;
}

static int
x_eof(sqlite3_vtab_cursor *base)
{
  const Cursor *cursor = (Cursor *)base;
  return cursor->at >= cursor->rows->len;
}

/* Leading digits count, base 0, out of range is no number (std::stoll). */
static gboolean
read_integer(const char *text, int base, gint64 *value)
{
  char *end = NULL;
  errno = 0;
  *value = strtoll(text, &end, base);
  return end != text && errno == 0;
}

/* osquery/sql/dynamic_table_row.cpp: what isn't a number of the column's type is NULL, and no text
 * is an empty one; an INTEGER loses its upper 32 bits. */
static void
set_result(sqlite3_context *result, StandType type, const char *text)
{
  gint64 integer = 0;
  char *end = NULL;
  double real;
  switch (type) {
  case STAND_TYPE_TEXT:
  case STAND_TYPE_BLOB:
    sqlite3_result_text(result, text, -1, SQLITE_TRANSIENT);
    return;
  case STAND_TYPE_INTEGER:
    if (read_integer(text, 0, &integer))
      sqlite3_result_int(result, (int)integer);
    return;
  case STAND_TYPE_BIGINT:
  case STAND_TYPE_UNSIGNED_BIGINT:
    if (read_integer(text, 0, &integer))
      sqlite3_result_int64(result, integer);
    return;
  case STAND_TYPE_DOUBLE:
    real = g_ascii_strtod(text, &end);
    if (end != text && *end == '\0')
      sqlite3_result_double(result, real);
    return;
  case STAND_TYPE_UNKNOWN:
    return;
  }
}

static int
x_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
  const Cursor *cursor = (Cursor *)base;
  const StandTable *table = ((VirtualTable *)base->pVtab)->attachment->table;
  const StandColumn *definition = stand_table_column(table, (guint)column);
  GHashTable *row = g_ptr_array_index(cursor->rows, cursor->at);
  const char *text = g_hash_table_lookup(row, definition->name);
  set_result(result, definition->type, text != NULL ? text : "");
  return SQLITE_OK;
}

static int
x_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
  const Cursor *cursor = (Cursor *)base;
  const char *text = g_hash_table_lookup(g_ptr_array_index(cursor->rows, cursor->at), "rowid");
  gint64 value = cursor->at;
  if (text != NULL && !read_integer(text, 10, &value))
    return SQLITE_ERROR;
  *rowid = value;
  return SQLITE_OK;
}

/* Without xCreate: the table is there by its name alone. */
static const sqlite3_module MODULE = {
    .iVersion = 0,
    .xConnect = x_connect,
    .xBestIndex = x_best_index,
    .xDisconnect = x_disconnect,
    .xOpen = x_open,
    .xClose = x_close,
    .xFilter = x_filter,
    .xNext = x_next,
    .xEof = x_eof,
    .xColumn = x_column,
    .xRowid = x_rowid,
};

static void
attachment_free(void *data)
{
  Attachment *attachment = data;
  stand_table_unref(attachment->table);
  g_free(attachment);
}

int
stand_virtual_table_attach(sqlite3 *db, StandTable *table, const StandSource *source)
{
  Attachment *attachment = g_new(Attachment, 1);
  *attachment = (Attachment){stand_table_ref(table), source};
  return sqlite3_create_module_v2(db, table->name, &MODULE, attachment, attachment_free);
}
