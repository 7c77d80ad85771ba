#include "tables/ctl/query.h"

#include "tables/ctl/prompt.h"
#include "tables/ctl/statement.h"
#include "watchdog/store/store-error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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
    if (c == '\0' || text->len >= CTL_STATEMENT_MAX_BYTES) {
      g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_IO,
                          c == '\0' ? "standard input: has a NUL byte"
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

/* Reads statements from @in until its end and runs each once it is complete; stops at the first
 * that fails. */
static gboolean
run_all_from(const Ctl *ctl, FILE *in, GError **error)
{
  g_autoptr(GString) sql = g_string_new(NULL);
  guint first_line = 1; /* of @sql */
  guint next_line = 1;
  Read result;
  while ((result = read_line(in, sql, error)) == READ_LINE) {
    next_line++;
    if (strchr(sql->str, ';') == NULL || !sqlite3_complete(sql->str))
      continue;
    if (!ctl_statements_run(ctl, sql->str, first_line, error))
      return FALSE;
    g_string_truncate(sql, 0);
    first_line = next_line;
  }
  return result == READ_END && ctl_statements_run(ctl, sql->str, first_line, error);
}

gboolean
ctl_query(const Ctl *ctl, GError **error)
{
  table_store_demand_files(ctl->store);
  if (ctl->options->sql != NULL)
    return ctl_statement_run(ctl, ctl->options->sql, error);
  int out = fileno(ctl->out);
  return isatty(STDIN_FILENO) && out >= 0 && isatty(out) ? ctl_prompt(ctl, error)
                                                         : run_all_from(ctl, stdin, error);
}
