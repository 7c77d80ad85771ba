#include "tables/ctl/session.h"

#include "tables/ctl/print/csv.h"
#include "tables/ctl/print/json.h"
#include "tables/ctl/print/line.h"
#include "tables/definitions.h"
#include "tables/sqlite-module.h"
#include "watchdog/core/event/json.h"
#include "watchdog/store/database.h"
#include "watchdog/store/store-error.h"

#include <errno.h>
#include <sys/stat.h>

#define ONLY_READING "only reading the tables is allowed"

void
ctl_set_error(const Ctl *ctl, GError **error)
{
  const char *message =
      sqlite3_errcode(ctl->db) == SQLITE_AUTH ? ONLY_READING : sqlite3_errmsg(ctl->db);
  g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_IO, message);
}

sqlite3_stmt *
ctl_prepare(const Ctl *ctl, const char *sql, const gint64 *values, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = NULL;
  WdBinder binder = {.result = sqlite3_prepare_v2(ctl->db, sql, -1, &stmt, NULL)};
  binder.stmt = stmt;
  for (int i = 0; values != NULL && i < sqlite3_bind_parameter_count(stmt); i++)
    wd_bind_integer(&binder, values[i]);
  if (binder.result == SQLITE_OK)
    return g_steal_pointer(&stmt);
  ctl_set_error(ctl, error);
  return NULL;
}

int
ctl_step(const Ctl *ctl, sqlite3_stmt *stmt, GError **error)
{
  if (stmt == NULL)
    return SQLITE_ERROR;
  int result = sqlite3_step(stmt);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    ctl_set_error(ctl, error);
  return result;
}

sqlite3_stmt *
ctl_first_row(const Ctl *ctl, const char *sql, const gint64 *values, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, sql, values, error);
  if (stmt == NULL)
    return NULL;
  if (sqlite3_step(stmt) == SQLITE_ROW)
    return g_steal_pointer(&stmt);
  ctl_set_error(ctl, error);
  return NULL;
}

static CtlPrint
format_of(const CtlOptions *options, CtlPrint people)
{
  switch (options->format) {
  case CTL_FORMAT_PEOPLE:
    return people;
  case CTL_FORMAT_JSON:
    return ctl_print_json;
  case CTL_FORMAT_CSV:
    return ctl_print_csv;
  case CTL_FORMAT_LINE:
    return ctl_print_line;
  }
  g_assert_not_reached();
}

gboolean
ctl_print_rows(const Ctl *ctl, sqlite3_stmt *stmt, CtlPart part, CtlPrint people, GError **error)
{
  if (!sqlite3_stmt_readonly(stmt)) {
    g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_IO, ONLY_READING);
    return FALSE;
  }
  if (format_of(ctl->options, people)(stmt, part, ctl->out) == SQLITE_DONE)
    return TRUE;
  ctl_set_error(ctl, error);
  return FALSE;
}

/* A query may read, compute, and ask which columns there are. All else is refused, above all
 * ATTACH, so that no query touches a file of its choice. */
static int
authorize(void *data, int action, const char *first, const char *second, const char *database,
          const char *trigger)
{
  (void)data, (void)database, (void)trigger;
  switch (action) {
  case SQLITE_SELECT:
  case SQLITE_READ:
  case SQLITE_RECURSIVE:
    return SQLITE_OK;
  case SQLITE_FUNCTION: /* the name comes second */
    return g_ascii_strcasecmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
  case SQLITE_UPDATE: /* asked when a virtual table is connected; nothing else can do that */
    return g_str_equal(first, "sqlite_master") ? SQLITE_OK : SQLITE_DENY;
  case SQLITE_PRAGMA:
    return g_ascii_strcasecmp(first, "table_info") == 0 ? SQLITE_OK : SQLITE_DENY;
  default:
    return SQLITE_DENY;
  }
}

/* Replaces SQLite's own json_valid(), which accepts texts that its other functions refuse
 * (watchdog/core/event/json.h). A history may come from anywhere, so all of our SQL checks its JSON
 * with this first. */
static void
json_valid(sqlite3_context *context, int n, sqlite3_value **values)
{
  g_assert(n == 1);
  const char *text = (const char *)sqlite3_value_text(values[0]);
  if (text != NULL)
    sqlite3_result_int(context, wd_json_is_valid(text));
}

gboolean
ctl_check_file(const Ctl *ctl, const char *table, GError **error)
{
  const char *path = table_store_path(ctl->store, table_definition_find(table));
  struct stat info;
  if (stat(path, &info) == 0)
    return TRUE;
  g_set_error(error, WD_STORE_ERROR, WD_STORE_ERROR_MISSING, "%s: %s", path, g_strerror(errno));
  return FALSE;
}

gboolean
ctl_open(Ctl *ctl, const CtlOptions *options, FILE *out, GError **error)
{
  ctl->options = options;
  ctl->out = out;
  ctl->store = table_store_new(options->state_dir, options->runtime_dir);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(":memory:", &ctl->db, flags, NULL) == SQLITE_OK &&
      table_sqlite_register(ctl->db, ctl->store) == SQLITE_OK &&
      sqlite3_create_function_v2(ctl->db, "json_valid", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                 json_valid, NULL, NULL, NULL) == SQLITE_OK &&
      sqlite3_set_authorizer(ctl->db, authorize, NULL) == SQLITE_OK)
    return TRUE;
  ctl_set_error(ctl, error);
  return FALSE;
}

void
ctl_close(Ctl *ctl)
{
  g_clear_pointer(&ctl->db, sqlite3_close_v2); /* before the store that its tables read */
  g_clear_pointer(&ctl->store, table_store_free);
}
