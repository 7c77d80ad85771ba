#include "tables/ctl/statement.h"

#include "tables/ctl/print/grid.h"
#include "watchdog/store/database.h"
#include "watchdog/store/store-error.h"

/* An error quotes so much of its statement. */
#define QUOTED_CHARACTERS 80

static gboolean
fail(GError **error, const char *message)
{
  g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_IO, message);
  return FALSE;
}

static gboolean
run(const Ctl *ctl, sqlite3_stmt *stmt, GError **error)
{
  return ctl_print_rows(ctl, stmt, CTL_PART_WHOLE, ctl_print_box, error);
}

/* Whether there is nothing but blanks and comments. */
static gboolean
is_blank(sqlite3 *db, const char *sql)
{
  g_autoptr(sqlite3_stmt) stmt = NULL;
  return sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && stmt == NULL;
}

gboolean
ctl_statement_run(const Ctl *ctl, const char *sql, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = NULL;
  const char *rest = NULL;
  if (sqlite3_prepare_v2(ctl->db, sql, -1, &stmt, &rest) != SQLITE_OK) {
    ctl_set_error(ctl, error);
    return FALSE;
  }
  if (stmt == NULL)
    return fail(error, "the SQL is empty");
  if (!is_blank(ctl->db, rest))
    return fail(error, "more than one SQL statement");
  return run(ctl, stmt, error);
}

static void
name_statement(GError **error, const char *sql, guint line)
{
  g_autofree char *text = g_utf8_make_valid(sql, -1);
  g_strchomp(text);
  gboolean cut = g_utf8_strlen(text, -1) > QUOTED_CHARACTERS;
  if (cut)
    *g_utf8_offset_to_pointer(text, QUOTED_CHARACTERS) = '\0';
  g_autofree char *message =
      g_strdup_printf("line %u: %s: %s%s", line, (*error)->message, text, cut ? "…" : "");
  g_free((*error)->message);
  (*error)->message = g_steal_pointer(&message);
}

gboolean
ctl_statements_run(const Ctl *ctl, const char *sql, guint line, GError **error)
{
  for (;;) {
    for (; g_ascii_isspace(*sql); sql++)
      line += *sql == '\n';
    if (*sql == '\0')
      return TRUE;
    g_autoptr(sqlite3_stmt) stmt = NULL;
    const char *rest = NULL;
    g_autoptr(GError) failure = NULL;
    if (sqlite3_prepare_v2(ctl->db, sql, -1, &stmt, &rest) != SQLITE_OK)
      ctl_set_error(ctl, &failure);
    else if (stmt != NULL) /* not a comment */
      (void)run(ctl, stmt, &failure);
    if (failure != NULL) {
      name_statement(&failure, sql, line);
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    for (; sql < rest; sql++)
      line += *sql == '\n';
  }
}
