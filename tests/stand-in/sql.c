#include "tests/stand-in/sql.h"

#include <string.h>

typedef sqlite3 Database;
static void
database_close(Database *db)
{
  /* Statements are finalized before; so it can't be busy. */
  if (sqlite3_close(db) != SQLITE_OK)
    g_warn_if_reached();
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Database, database_close)

typedef sqlite3_stmt Statement;
static void
statement_finalize(Statement *statement)
{
  (void)sqlite3_finalize(statement); /* repeats the code of the last step */
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Statement, statement_finalize)

/* What osquery allows (osquery/sql/sqlite_util.h); everything else, ATTACH above all, is denied. */
static int
authorize(G_GNUC_UNUSED void *data, int action, const char *argument, G_GNUC_UNUSED const char *b,
          G_GNUC_UNUSED const char *c, G_GNUC_UNUSED const char *d)
{
  static const int ACTIONS[] = {
      SQLITE_READ,
      SQLITE_SELECT,
      SQLITE_INSERT,
      SQLITE_UPDATE,
      SQLITE_DELETE,
      SQLITE_CREATE_VTABLE,
      SQLITE_DROP_VTABLE,
      SQLITE_CREATE_VIEW,
      SQLITE_DROP_VIEW,
      SQLITE_CREATE_TABLE,
      SQLITE_DROP_TABLE,
      SQLITE_CREATE_TEMP_TABLE,
      SQLITE_DROP_TEMP_TABLE,
      SQLITE_CREATE_TEMP_VIEW,
      SQLITE_DROP_TEMP_VIEW,
      SQLITE_FUNCTION,
      SQLITE_RECURSIVE,
      SQLITE_TRANSACTION,
  };
  static const char *const PRAGMAS[] = {
      "table_info",     "table_xinfo", "function_list", "journal_mode", "case_sensitive_like",
      "collation_list", NULL,
  };
  for (gsize i = 0; i < G_N_ELEMENTS(ACTIONS); i++)
    if (ACTIONS[i] == action)
      return SQLITE_OK;
  if (action == SQLITE_PRAGMA && argument != NULL) {
    g_autofree char *name = g_ascii_strdown(argument, -1);
    if (g_strv_contains(PRAGMAS, name))
      return SQLITE_OK;
  }
  return SQLITE_DENY;
}

/* misbehave('grow:100') → 'grow:100' */
static void
misbehave(sqlite3_context *result, G_GNUC_UNUSED int argc, sqlite3_value **argv)
{
  const char *text = (const char *)sqlite3_value_text(argv[0]);
  g_autoptr(GError) error = NULL;
  if (!stand_misbehave(sqlite3_user_data(result), text != NULL ? text : "", &error))
    sqlite3_result_error(result, error->message, -1);
  else
    sqlite3_result_value(result, argv[0]);
}

/* Returns: NULL when SQLite has no memory left or is misused; there is no other reason. */
static sqlite3 *
open_database(const StandSql *sql)
{
  g_autoptr(Database) db = NULL;
  if (sqlite3_open_v2(":memory:", &db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      NULL) != SQLITE_OK ||
      sqlite3_set_authorizer(db, authorize, NULL) != SQLITE_OK ||
      sqlite3_create_function(db, "misbehave", 1, SQLITE_UTF8, sql->misbehaviour, misbehave, NULL,
                              NULL) != SQLITE_OK)
    return NULL;
  for (guint i = 0; i < sql->tables->len; i++)
    if (stand_virtual_table_attach(db, g_ptr_array_index(sql->tables, i), &sql->source) !=
        SQLITE_OK)
      return NULL;
  return g_steal_pointer(&db);
}

/* The names of the columns that a row is made of, NULL for those left out: a row is a map, and of
 * several columns of one name the last one counts. @statement owns the names. */
static GPtrArray *
column_names(sqlite3_stmt *statement)
{
  g_autoptr(GHashTable) later = g_hash_table_new(g_str_hash, g_str_equal);
  GPtrArray *names = g_ptr_array_new();
  g_ptr_array_set_size(names, sqlite3_column_count(statement));
  for (guint i = names->len; i-- > 0;) {
    const char *name = sqlite3_column_name(statement, (int)i);
    if (g_hash_table_add(later, (gpointer)name))
      names->pdata[i] = (gpointer)name;
  }
  return names;
}

static void
add_value(const StandSql *sql, sqlite3_stmt *statement, int column, const char *name,
          WireRows *rows)
{
  int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_NULL) {
    wire_rows_value(rows, name, sql->null_text, strlen(sql->null_text));
  } else if (type == SQLITE_FLOAT) { /* 15 digits, and a point in any case */
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(text, sizeof text, "%.15g", sqlite3_column_double(statement, column));
    if (strchr(text, '.') == NULL)
      g_strlcat(text, ".0", sizeof text);
    wire_rows_value(rows, name, text, strlen(text));
  } else {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    wire_rows_value(rows, name, text, (gsize)sqlite3_column_bytes(statement, column));
  }
}

/* Returns: SQLite's code of the last step. */
static int
add_rows(const StandSql *sql, sqlite3_stmt *statement, WireRows *rows)
{
  g_autoptr(GPtrArray) names = column_names(statement);
  int rc;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    if (!wire_rows_row(rows))
      return SQLITE_DONE; /* too long: the end of @rows says so */
    for (guint i = 0; i < names->len; i++)
      if (names->pdata[i] != NULL)
        add_value(sql, statement, (int)i, names->pdata[i], rows);
  }
  return rc;
}

void
stand_sql_query(const StandSql *sql, const char *text, WireRows *rows)
{
  g_autoptr(Database) db = open_database(sql);
  if (db == NULL) {
    wire_rows_fail(rows, "out of memory");
    return;
  }
  while (*text != '\0') {
    g_autoptr(Statement) statement = NULL;
    const char *rest = NULL;
    int rc = sqlite3_prepare_v2(db, text, -1, &statement, &rest);
    if (rc == SQLITE_OK && statement != NULL)
      rc = add_rows(sql, statement, rows);
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
      wire_rows_fail(rows, sqlite3_errmsg(db));
      return;
    }
    text = rest;
  }
  wire_rows_end(rows);
}

void
stand_sql_columns(const StandSql *sql, const char *text, WireRows *rows)
{
  g_autoptr(Database) db = open_database(sql);
  if (db == NULL) {
    wire_rows_fail(rows, "out of memory");
    return;
  }
  g_autoptr(Statement) statement = NULL;
  if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK || statement == NULL) {
    wire_rows_fail(rows, sqlite3_errmsg(db));
    return;
  }
  for (int i = 0; i < sqlite3_column_count(statement) && wire_rows_row(rows); i++) {
    const char *declared = sqlite3_column_decltype(statement, i);
    const char *type = stand_type_name(stand_type_of(declared != NULL ? declared : ""));
    wire_rows_value(rows, sqlite3_column_name(statement, i), type, strlen(type));
  }
  wire_rows_end(rows);
}
