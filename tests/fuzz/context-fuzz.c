/* Whatever stands in the context of a call to generate: a query that the store understands comes
 * out, or one line that says why not. The input is the JSON. */
#include "extension/context.h"
#include "tables/select.h"

#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ExtContext *context;
static sqlite3 *db; /* an empty history */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  g_autoptr(GError) error = NULL;
  context = ext_context_new(&error);
  g_assert_no_error(error);
  g_assert_cmpint(sqlite3_open(":memory:", &db), ==, SQLITE_OK);
  for (gint32 version = 0; version < wd_schema_history.version; version++)
    g_assert_true(wd_schema_history.migrations[version](db, &error));
  return 0;
}

static void
check_constraint(const TableConstraint *constraint, const WdTable *table)
{
  g_assert_cmpuint(constraint->column, <, table->n_columns);
  g_assert_nonnull(constraint->value);
  switch (constraint->op) {
  case TABLE_OP_EQ:
  case TABLE_OP_GT:
  case TABLE_OP_LE:
  case TABLE_OP_LT:
  case TABLE_OP_GE:
    return;
  }
  g_assert_not_reached();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const TableSource *source = &table_sources[1];
  const WdTable *table = source->table;
  g_autofree char *json = g_strndup((const char *)data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(TableQuery) query = ext_context_parse(context, json, table, &error);

  g_assert_true((query == NULL) == (error != NULL));
  if (error != NULL) {
    g_assert_null(strchr(error->message, '\n'));
    return 0;
  }
  for (guint i = 0; i < query->constraints->len; i++)
    check_constraint(&g_array_index(query->constraints, TableConstraint, i), table);
  g_autoptr(TableSelect) select = table_select_new(source, query, G_MAXUINT64);
  sqlite3_stmt *stmt;
  g_assert_cmpint(sqlite3_prepare_v2(db, select->sql, -1, &stmt, NULL), ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_bind_parameter_count(stmt), ==, (int)select->values->len);
  sqlite3_finalize(stmt);
  return 0;
}
