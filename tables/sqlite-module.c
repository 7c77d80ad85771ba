/* How it works: xBestIndex picks the constraints that the table can use. Into idxStr it writes the
 * bits of the columns that the query reads, in hex, then " COLUMN:OP" for each value that xFilter
 * will get, in that order. xFilter turns both into a TableQuery and opens a cursor; each xNext
 * pulls one row. SQLite checks every constraint again itself. */
#include "tables/sqlite-module.h"

#include "tables/cursor.h"
#include "tables/definitions.h"

/* A module is registered with one, which each connection of the table copies. */
typedef struct {
  sqlite3_vtab base; /* first, for SQLite */
  const WdTable *table;
  TableStore *store;
} Table;

typedef struct {
  sqlite3_vtab_cursor base; /* first, for SQLite */
  TableCursor *rows;        /* NULL: at the end */
  sqlite3_int64 rowid;
} Cursor;

static int
connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **vtab,
              char **message)
{
  (void)argc, (void)argv, (void)message;
  const Table *registered = aux;
  g_autofree char *sql = table_create_statement(registered->table);
  int result = sqlite3_declare_vtab(db, sql);
  if (result != SQLITE_OK)
    return result;
  Table *table = g_memdup2(registered, sizeof *registered);
  *vtab = &table->base;
  return sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
}

static int
disconnect_table(sqlite3_vtab *vtab)
{
  g_free(vtab);
  return SQLITE_OK;
}

/* For text, only `=` with SQLite's default collation is useful, because only that compares as the
 * store does. Numbers have no collation. */
static gboolean
is_useful(const WdTable *table, sqlite3_index_info *info, int i)
{
  int column = info->aConstraint[i].iColumn;
  if (!info->aConstraint[i].usable || column < 0 ||
      table->columns[column].options == WD_OPTION_NONE)
    return FALSE;
  switch (info->aConstraint[i].op) {
  case SQLITE_INDEX_CONSTRAINT_EQ:
    return table->columns[column].type != WD_TYPE_TEXT ||
           g_ascii_strcasecmp(sqlite3_vtab_collation(info, i), "BINARY") == 0;
  case SQLITE_INDEX_CONSTRAINT_GT:
  case SQLITE_INDEX_CONSTRAINT_LE:
  case SQLITE_INDEX_CONSTRAINT_LT:
  case SQLITE_INDEX_CONSTRAINT_GE:
    return table->columns[column].type != WD_TYPE_TEXT;
  default:
    return FALSE;
  }
}

/* SQLite's operators have the numbers of TableOperator. */
G_STATIC_ASSERT((int)TABLE_OP_EQ == SQLITE_INDEX_CONSTRAINT_EQ);
G_STATIC_ASSERT((int)TABLE_OP_GT == SQLITE_INDEX_CONSTRAINT_GT);
G_STATIC_ASSERT((int)TABLE_OP_LE == SQLITE_INDEX_CONSTRAINT_LE);
G_STATIC_ASSERT((int)TABLE_OP_LT == SQLITE_INDEX_CONSTRAINT_LT);
G_STATIC_ASSERT((int)TABLE_OP_GE == SQLITE_INDEX_CONSTRAINT_GE);

static int
best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
  const Table *table = (const Table *)vtab;
  g_autoptr(GString) plan = g_string_new(NULL);
  g_string_printf(plan, "%" G_GINT64_MODIFIER "x", (guint64)info->colUsed);
  int values = 0;
  /* A guess, because only the proportions matter: `=` leaves a thousandth of the rows, a range a
   * tenth. */
  double rows = 1e6;
  for (int i = 0; i < info->nConstraint; i++) {
    if (!is_useful(table->table, info, i))
      continue;
    info->aConstraintUsage[i].argvIndex = ++values;
    g_string_append_printf(plan, " %d:%d", info->aConstraint[i].iColumn, info->aConstraint[i].op);
    rows /= info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ ? 1000 : 10;
  }
  info->idxStr = sqlite3_mprintf("%s", plan->str);
  if (info->idxStr == NULL)
    return SQLITE_NOMEM;
  info->needToFreeIdxStr = 1;
  info->estimatedCost = MAX(rows, 1);
  info->estimatedRows = (sqlite3_int64)MAX(rows, 1);
  return SQLITE_OK;
}

static int
open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
  (void)vtab;
  Cursor *opened = g_new0(Cursor, 1);
  *cursor = &opened->base;
  return SQLITE_OK;
}

static int
close_cursor(sqlite3_vtab_cursor *base)
{
  Cursor *cursor = (Cursor *)base;
  table_cursor_free(cursor->rows);
  g_free(cursor);
  return SQLITE_OK;
}

static int
fail(sqlite3_vtab *vtab, const GError *error)
{
  sqlite3_free(vtab->zErrMsg);
  vtab->zErrMsg = sqlite3_mprintf("%s", error->message);
  return SQLITE_ERROR;
}

static int
next_row(sqlite3_vtab_cursor *base)
{
  Cursor *cursor = (Cursor *)base;
  g_autoptr(GError) error = NULL;
  switch (table_cursor_next(cursor->rows, &error)) {
  case TABLE_ROW:
    cursor->rowid++;
    return SQLITE_OK;
  case TABLE_END:
    g_clear_pointer(&cursor->rows, table_cursor_free);
    return SQLITE_OK;
  case TABLE_FAILED:
    return fail(base->pVtab, error);
  }
  g_assert_not_reached();
}

static TableQuery *
parse_plan(const char *plan, int n, sqlite3_value **values)
{
  TableQuery *query = table_query_new();
  char *rest = NULL;
  query->columns_used = g_ascii_strtoull(plan, &rest, 16);
  for (int i = 0; i < n; i++) {
    guint64 column = g_ascii_strtoull(rest + 1, &rest, 10);
    guint64 op = g_ascii_strtoull(rest + 1, &rest, 10);
    table_query_add(query, (guint)column, (TableOperator)op,
                    (const char *)sqlite3_value_text(values[i]));
  }
  return query;
}

static int
filter(sqlite3_vtab_cursor *base, int number, const char *plan, int n, sqlite3_value **values)
{
  (void)number;
  Cursor *cursor = (Cursor *)base;
  const Table *table = (const Table *)base->pVtab;
  g_autoptr(GError) error = NULL;
  g_autoptr(TableQuery) query = parse_plan(plan, n, values);
  g_clear_pointer(&cursor->rows, table_cursor_free);
  cursor->rowid = 0;
  /* Nothing compares to NULL. Without this, a join by a column that is mostly NULL would read all
   * rows each time. */
  for (int i = 0; i < n; i++)
    if (sqlite3_value_type(values[i]) == SQLITE_NULL)
      return SQLITE_OK;
  cursor->rows = table_cursor_open(table->store, table->table, query, &error);
  if (cursor->rows == NULL)
    return fail(base->pVtab, error);
  return next_row(base);
}

static int
at_end(sqlite3_vtab_cursor *base)
{
  return ((Cursor *)base)->rows == NULL;
}

static int
column_value(sqlite3_vtab_cursor *base, sqlite3_context *context, int i)
{
  const Table *table = (const Table *)base->pVtab;
  TableCursor *rows = ((Cursor *)base)->rows;
  guint column = (guint)i;
  if (table_cursor_is_null(rows, column))
    return SQLITE_OK; /* the result is NULL unless set */
  switch (table->table->columns[column].type) {
  case WD_TYPE_TEXT: {
    gsize length;
    const char *text = table_cursor_text(rows, column, &length);
    sqlite3_result_text64(context, text, length, SQLITE_TRANSIENT, SQLITE_UTF8);
    break;
  }
  case WD_TYPE_INTEGER:
  case WD_TYPE_BIGINT:
    sqlite3_result_int64(context, table_cursor_int64(rows, column));
    break;
  case WD_TYPE_DOUBLE:
    sqlite3_result_double(context, table_cursor_double(rows, column));
    break;
  }
  return SQLITE_OK;
}

static int
row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
  *id = ((Cursor *)base)->rowid;
  return SQLITE_OK;
}

/* No xCreate: the tables exist without being created. */
static const sqlite3_module module = {
    .xConnect = connect_table,
    .xBestIndex = best_index,
    .xDisconnect = disconnect_table,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next_row,
    .xEof = at_end,
    .xColumn = column_value,
    .xRowid = row_id,
};

int
table_sqlite_register(sqlite3 *db, TableStore *store)
{
  guint n;
  const WdTable *const *definitions = table_definitions(&n);
  for (guint i = 0; i < n; i++) {
    const Table table = {.table = definitions[i], .store = store};
    /* SQLite frees the copy, on failure too. */
    int result = sqlite3_create_module_v2(db, definitions[i]->name, &module,
                                          g_memdup2(&table, sizeof table), g_free);
    if (result != SQLITE_OK)
      return result;
  }
  return SQLITE_OK;
}
