#include "tables/ctl/prompt.h"

#include "tables/ctl/completion.h"
#include "tables/ctl/print/terminal.h"
#include "tables/ctl/print/text.h"
#include "tables/ctl/statement.h"
#include "tables/definitions.h"
#include "watchdog/store/store-error.h"

#include <histedit.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define HISTORY_LINES 500

/* SQLite's instructions between two looks for Ctrl-C: some 0.1 ms. */
#define PROGRESS_INSTRUCTIONS 10000

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EditLine, el_end)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(History, history_end)

typedef struct {
  const Ctl *ctl;
  GString *sql;       /* the lines of a statement that isn't complete yet */
  gboolean cancelled; /* by Ctrl-C, in the line that was just edited */
  sigset_t interrupt; /* SIGINT, which is blocked, and looked for while a query runs */
  char first_prompt[sizeof "watchdog> "];
  char next_prompt[sizeof "     ...> "];
} Prompt;

static Prompt *
prompt_of(EditLine *edit)
{
  void *data = NULL;
  int result = el_get(edit, EL_CLIENTDATA, &data);
  g_assert(result == 0 && data != NULL); /* was set before anything could ask */
  return data;
}

static gboolean
take_interrupt(const Prompt *prompt)
{
  const struct timespec at_once = {0};
  return sigtimedwait(&prompt->interrupt, NULL, &at_once) == SIGINT;
}

static char *
prompt_text(EditLine *edit)
{
  Prompt *prompt = prompt_of(edit);
  return prompt->sql->len == 0 ? prompt->first_prompt : prompt->next_prompt;
}

static unsigned char
cancel(EditLine *edit, int key)
{
  (void)key;
  Prompt *prompt = prompt_of(edit);
  prompt->cancelled = TRUE;
  fputs("^C\n", prompt->ctl->out);
  return CC_NEWLINE;
}

static void
list_candidates(char **words, FILE *out)
{
  CtlTerminal terminal = ctl_terminal_of(out);
  gsize widest = 0;
  for (guint i = 0; words[i] != NULL; i++)
    widest = MAX(widest, strlen(words[i]));
  gsize a_line = MAX(terminal.width / (widest + 2), 1);
  for (guint i = 0; words[i] != NULL; i++)
    fprintf(out, "%s%-*s", i % a_line == 0 ? "\n" : "", (int)widest + 2, words[i]);
  fputs("\n", out);
}

/* Tab: inserts the beginning that all candidates share; if that adds nothing, lists them. */
static unsigned char
complete(EditLine *edit, int key)
{
  (void)key;
  Prompt *prompt = prompt_of(edit);
  const LineInfo *line = el_line(edit);
  g_autofree char *sql = g_strdup_printf("%s%.*s", prompt->sql->str,
                                         (int)(line->lastchar - line->buffer), line->buffer);
  gsize point = prompt->sql->len + (gsize)(line->cursor - line->buffer);
  gsize start;
  g_auto(GStrv) words = ctl_complete(sql, point, &start);
  if (words[0] == NULL)
    return CC_REFRESH_BEEP;
  g_autofree char *certain = ctl_completion_prefix(words);
  gboolean only = words[1] == NULL;
  if (!only && strlen(certain) <= point - start) {
    list_candidates(words, prompt->ctl->out);
    return CC_REDISPLAY;
  }
  el_deletestr(edit, (int)(point - start));
  g_autofree char *text = g_strconcat(certain, only ? " " : "", NULL);
  return el_insertstr(edit, text) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
}

static EditLine *
new_editor(Prompt *prompt, History *lines, GError **error)
{
  HistEvent event;
  g_autoptr(EditLine) edit = el_init("osquery-watchdogctl", stdin, prompt->ctl->out, stderr);
  /* Without isig, while a line is edited, the terminal hands us Ctrl-C as a key. el_set()
   * would copy the texts of EL_ADDFN and never free them; el_wset() doesn't. */
  if (edit != NULL && el_set(edit, EL_CLIENTDATA, prompt) == 0 &&
      el_set(edit, EL_EDITOR, "emacs") == 0 && el_set(edit, EL_PROMPT, prompt_text) == 0 &&
      el_set(edit, EL_SETTY, "-d", "-isig", NULL) == 0 &&
      el_wset(edit, EL_ADDFN, L"cancel", L"forget the line", cancel) == 0 &&
      el_wset(edit, EL_ADDFN, L"complete", L"complete the word", complete) == 0 &&
      el_set(edit, EL_BIND, "^C", "cancel", NULL) == 0 &&
      el_set(edit, EL_BIND, "\t", "complete", NULL) == 0 &&
      history(lines, &event, H_SETSIZE, HISTORY_LINES) == 0 &&
      el_set(edit, EL_HIST, history, lines) == 0)
    return g_steal_pointer(&edit);
  g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_IO,
                      "cannot edit lines on this terminal");
  return NULL;
}

static int
on_progress(void *data)
{
  return take_interrupt(data); /* not 0: the query is given up */
}

static void
show_error(const Prompt *prompt, const char *message)
{
  g_autofree char *visible = ctl_visible(message);
  (void)fflush(prompt->ctl->out); /* main() checks whether all was written */
  fprintf(stderr, "Error: %s\n", visible);
}

static void
run_statement(Prompt *prompt)
{
  g_autoptr(GError) error = NULL;
  if (!ctl_statements_run(prompt->ctl, prompt->sql->str, 1, &error))
    show_error(prompt, error->message);
  g_string_truncate(prompt->sql, 0);
}

static void
print_tables(const Prompt *prompt, gboolean with_columns)
{
  guint n;
  const WdTable *const *tables = table_definitions(&n);
  for (guint i = 0; i < n; i++) {
    g_autofree char *sql = table_create_statement(tables[i]);
    fprintf(prompt->ctl->out, "%s%s\n", with_columns ? sql : tables[i]->name,
            with_columns ? ";" : "");
  }
}

static gboolean
is_blank(const char *line)
{
  return line[strspn(line, " \t\n")] == '\0';
}

/* Returns: FALSE when the user wants to leave. */
static gboolean
run_dot_command(const Prompt *prompt, const char *line)
{
  g_autofree char *word = g_strstrip(g_strdup(line));
  if (g_str_equal(word, ".quit") || g_str_equal(word, ".exit"))
    return FALSE;
  if (g_str_equal(word, ".tables") || g_str_equal(word, ".schema"))
    print_tables(prompt, g_str_equal(word, ".schema"));
  else
    show_error(prompt, "expected .quit, .tables, .schema, or SQL up to a ;");
  return TRUE;
}

/* Returns: FALSE when the user wants to leave. */
static gboolean
take_line(Prompt *prompt, const char *line)
{
  if (prompt->cancelled)
    g_string_truncate(prompt->sql, 0);
  if (prompt->sql->len == 0 && is_blank(line))
    return TRUE;
  if (prompt->sql->len == 0 && *line == '.')
    return run_dot_command(prompt, line);
  g_string_append(prompt->sql, line);
  if (prompt->sql->len > CTL_STATEMENT_MAX_BYTES) {
    g_string_truncate(prompt->sql, 0);
    show_error(prompt, "more than 1 MiB");
  } else if (sqlite3_complete(prompt->sql->str))
    run_statement(prompt);
  return TRUE;
}

/* NULL at the end. Once the terminal hands us Ctrl-C as a key, a signal that is still pending came
 * when nothing ran any more, and is dropped. A later one is meant for the next query. */
static const char *
next_line(Prompt *prompt, EditLine *edit)
{
  prompt->cancelled = FALSE;
  (void)el_set(edit, EL_PREP_TERM, 1); /* else el_gets() does, and says what is wrong */
  while (take_interrupt(prompt))
    ;
  int length;
  const char *line = el_gets(edit, &length);
  /* An empty line that is cancelled comes as NULL, as does Ctrl-D. */
  return prompt->cancelled ? "" : line;
}

static gboolean
ask(Prompt *prompt, GError **error)
{
  g_autoptr(History) lines = history_init();
  if (lines == NULL)
    g_error("out of memory"); /* as glib ends when it has none */
  g_autoptr(EditLine) edit = new_editor(prompt, lines, error);
  if (edit == NULL)
    return FALSE;
  fputs("SQL, up to a `;`. Tab completes; .tables and .schema list what there is; Ctrl-D quits.\n",
        prompt->ctl->out);
  const char *line;
  HistEvent event;
  do {
    line = next_line(prompt, edit);
    if (line != NULL && !is_blank(line))
      (void)history(lines, &event, H_ENTER,
                    line); /* without memory one line less can be recalled */
  } while (line != NULL && take_line(prompt, line));
  if (line == NULL)
    fputc('\n', prompt->ctl->out); /* Ctrl-D leaves the cursor behind the prompt */
  return TRUE;
}

gboolean
ctl_prompt(const Ctl *ctl, GError **error)
{
  g_autoptr(GString) sql = g_string_new(NULL);
  Prompt prompt = {
      .ctl = ctl, .sql = sql, .first_prompt = "watchdog> ", .next_prompt = "     ...> "};
  sigset_t before;
  (void)sigemptyset(&prompt.interrupt); /* these fail for no signal that exists */
  (void)sigaddset(&prompt.interrupt, SIGINT);
  (void)sigprocmask(SIG_BLOCK, &prompt.interrupt, &before);
  sqlite3_progress_handler(ctl->db, PROGRESS_INSTRUCTIONS, on_progress, &prompt);
  gboolean done = ask(&prompt, error);
  sqlite3_progress_handler(ctl->db, 0, NULL, NULL);
  (void)sigprocmask(SIG_SETMASK, &before, NULL);
  return done;
}
