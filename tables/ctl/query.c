#include "tables/ctl/query.h"

#include "watchdog/store/database.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ONLY_READING "only reading the tables is allowed"

/* So much of a statement identifies it in an error. */
#define QUOTED_CHARACTERS 80

static gboolean
fail(GError **error, const char *message)
{
  g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_IO, message);
  return FALSE;
}

static gboolean
print_rows(const Ctl *ctl, sqlite3_stmt *stmt, GError **error)
{
  if (!sqlite3_stmt_readonly(stmt))
    return fail(error, ONLY_READING);
  CtlPrint print = ctl_printer(ctl->options, ctl_print_box);
  if (print(stmt, CTL_PART_WHOLE, ctl->out) == SQLITE_DONE)
    return TRUE;
  ctl_set_error(ctl, error);
  return FALSE;
}

/* The rest of a command line after its first statement is empty but for blanks and comments. */
static gboolean
is_blank(sqlite3 *db, const char *sql)
{
  g_autoptr(sqlite3_stmt) stmt = NULL;
  return sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && stmt == NULL;
}

/* The command line's one statement. */
static gboolean
run_argument(const Ctl *ctl, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = NULL;
  const char *rest = NULL;
  if (sqlite3_prepare_v2(ctl->db, ctl->options->sql, -1, &stmt, &rest) != SQLITE_OK) {
    ctl_set_error(ctl, error);
    return FALSE;
  }
  if (stmt == NULL)
    return fail(error, "the SQL is empty");
  if (!is_blank(ctl->db, rest))
    return fail(error, "more than one SQL statement");
  return print_rows(ctl, stmt, error);
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
ctl_query_run(const Ctl *ctl, const char *sql, guint line, GError **error)
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
      (void)print_rows(ctl, stmt, &failure);
    if (failure != NULL) {
      name_statement(&failure, sql, line);
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    for (; sql < rest; sql++)
      line += *sql == '\n';
  }
}

typedef enum {
  READ_LINE,
  READ_END,
  READ_FAILED,
} Read;

/* Appends the next line, with its end, to @text. */
static Read
read_line(FILE *in, GString *text, GError **error)
{
  gsize before = text->len;
  int c;
  while ((c = getc(in)) != EOF) {
    if (c == '\0' || text->len >= CTL_QUERY_MAX_BYTES) {
      fail(error, c == '\0' ? "standard input: has a NUL byte"
                            : "standard input: has a statement of more than 1 MiB");
      return READ_FAILED;
    }
    g_string_append_c(text, (char)c);
    if (c == '\n')
      return READ_LINE;
  }
  if (!ferror(in))
    return text->len > before ? READ_LINE : READ_END;
  g_set_error(error, WD_STORE_ERROR, WD_STORE_ERROR_IO, "standard input: %s", g_strerror(errno));
  return READ_FAILED;
}

gboolean
ctl_query_read(const Ctl *ctl, FILE *in, GError **error)
{
  g_autoptr(GString) sql = g_string_new(NULL);
  guint first_line = 1; /* of @sql */
  guint next_line = 1;
  Read result;
  while ((result = read_line(in, sql, error)) == READ_LINE) {
    next_line++;
    if (strchr(sql->str, ';') == NULL || !sqlite3_complete(sql->str))
      continue;
    if (!ctl_query_run(ctl, sql->str, first_line, error))
      return FALSE;
    g_string_truncate(sql, 0);
    first_line = next_line;
  }
  return result == READ_END && ctl_query_run(ctl, sql->str, first_line, error);
}

gboolean
ctl_query(const Ctl *ctl, GError **error)
{
  table_store_demand_files(ctl->store);
  if (ctl->options->sql != NULL)
    return run_argument(ctl, error);
  int out = fileno(ctl->out);
  return isatty(STDIN_FILENO) && out >= 0 && isatty(out) ? ctl_query_prompt(ctl, error)
                                                         : ctl_query_read(ctl, stdin, error);
}
