#include "extension/context.h"

#include <gio/gio.h>
#include <sqlite3.h>
#include <string.h>

#include "tables/definitions.h"
#include "watchdog/core/event/json.h"

/* `op` is a number, or a text with one. A value that should be an object or a list and isn't yields
 * no rows. Without MATERIALIZED, SQLite would read a column's whole list again for each of its
 * constraints. */
static const char CONSTRAINTS_SQL[] =
    "WITH columns AS MATERIALIZED ("
    " SELECT json_extract(value, '$.name') AS name, CASE json_type(value, '$.list')"
    "  WHEN 'array' THEN json_extract(value, '$.list') ELSE '[]' END AS list"
    " FROM json_each(?1, '$.constraints') WHERE type = 'object')"
    "SELECT name, CAST(json_extract(value, '$.op') AS INTEGER), json_extract(value, '$.expr')"
    " FROM columns, json_each(columns.list) WHERE type = 'object'";
static const char COLUMNS_SQL[] =
    "SELECT value FROM json_each(?1, '$.colsUsed') WHERE type = 'text'";
/* Whether it is an object, and whether it has colsUsed. */
static const char FORM_SQL[] =
    "SELECT json_type(?1) = 'object', coalesce(json_type(?1, '$.colsUsed') = 'array', 0)";

struct ExtContext {
  sqlite3 *db;
  sqlite3_stmt *form;
  sqlite3_stmt *constraints;
  sqlite3_stmt *columns;
};

static gboolean
prepare(ExtContext *context, const char *sql, sqlite3_stmt **stmt, GError **error)
{
  if (sqlite3_prepare_v3(context->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) == SQLITE_OK)
    return TRUE;
  g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "SQLite can't read JSON: %s",
              sqlite3_errmsg(context->db));
  return FALSE;
}

ExtContext *
ext_context_new(GError **error)
{
  g_autoptr(ExtContext) context = g_new0(ExtContext, 1);
  if (sqlite3_open_v2(":memory:", &context->db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX,
                      NULL) != SQLITE_OK) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "SQLite does not open: %s",
                sqlite3_errmsg(context->db));
    return NULL;
  }
  if (!prepare(context, FORM_SQL, &context->form, error) ||
      !prepare(context, CONSTRAINTS_SQL, &context->constraints, error) ||
      !prepare(context, COLUMNS_SQL, &context->columns, error))
    return NULL;
  return g_steal_pointer(&context);
}

void
ext_context_free(ExtContext *context)
{
  if (context == NULL)
    return;
  sqlite3_finalize(context->form);
  sqlite3_finalize(context->constraints);
  sqlite3_finalize(context->columns);
  sqlite3_close(context->db);
  g_free(context);
}

static gboolean
set_sqlite_error(ExtContext *context, GError **error)
{
  g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the query's context can't be read: %s",
              sqlite3_errmsg(context->db));
  return FALSE;
}

static const char *
column_text(sqlite3_stmt *stmt, int column)
{
  return (const char *)sqlite3_column_text(stmt, column);
}

static void
add_constraint(sqlite3_stmt *row, const WdTable *table, TableQuery *query)
{
  const guint column = table_column_index(table, column_text(row, 0));
  const char *value = column_text(row, 2);
  if (column == table->n_columns || value == NULL)
    return;
  switch (sqlite3_column_int(row, 1)) {
  case TABLE_OP_EQ:
  case TABLE_OP_GT:
  case TABLE_OP_LE:
  case TABLE_OP_LT:
  case TABLE_OP_GE:
    table_query_add(query, column, (TableOperator)sqlite3_column_int(row, 1), value);
    break;
  default: /* MATCH, LIKE, GLOB, REGEXP and others are left to osquery */
    break;
  }
}

static void
add_column(sqlite3_stmt *row, const WdTable *table, TableQuery *query)
{
  const guint column = table_column_index(table, column_text(row, 0));
  if (column < table->n_columns)
    query->columns_used |= G_GUINT64_CONSTANT(1) << column;
}

/* Runs @stmt over @json and calls @each for every row of its result. */
static gboolean
for_each(ExtContext *context, sqlite3_stmt *stmt, const char *json, const WdTable *table,
         TableQuery *query,
         void (*each)(sqlite3_stmt *row, const WdTable *table, TableQuery *query), GError **error)
{
  int result = sqlite3_bind_text(stmt, 1, json, -1, SQLITE_STATIC);
  while (result == SQLITE_OK || result == SQLITE_ROW) {
    result = sqlite3_step(stmt);
    if (result == SQLITE_ROW)
      each(stmt, table, query);
  }
  const gboolean ok = result == SQLITE_DONE || set_sqlite_error(context, error);
  sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return ok;
}

static gboolean
read_form(ExtContext *context, const char *json, gboolean *is_object, gboolean *has_columns,
          GError **error)
{
  sqlite3_stmt *stmt = context->form;
  const gboolean ok = sqlite3_bind_text(stmt, 1, json, -1, SQLITE_STATIC) == SQLITE_OK &&
                      sqlite3_step(stmt) == SQLITE_ROW;
  if (ok) {
    *is_object = sqlite3_column_int(stmt, 0) != 0;
    *has_columns = sqlite3_column_int(stmt, 1) != 0;
  } else {
    set_sqlite_error(context, error);
  }
  sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return ok;
}

TableQuery *
ext_context_parse(ExtContext *context, const char *json, const WdTable *table, GError **error)
{
  g_autoptr(TableQuery) query = table_query_new();
  if (json == NULL || *json == '\0')
    return g_steal_pointer(&query);
  if (strlen(json) > EXT_CONTEXT_BYTES_MAX) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the query's context is too large: constrain by fewer values");
    return NULL;
  }
  if (!wd_json_is_valid(json)) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the query's context is no valid JSON");
    return NULL;
  }
  gboolean is_object, has_columns;
  if (!read_form(context, json, &is_object, &has_columns, error))
    return NULL;
  if (!is_object) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the query's context is no JSON object");
    return NULL;
  }
  if (!for_each(context, context->constraints, json, table, query, add_constraint, error))
    return NULL;
  if (has_columns) {
    query->columns_used = 0;
    if (!for_each(context, context->columns, json, table, query, add_column, error))
      return NULL;
  }
  return g_steal_pointer(&query);
}
