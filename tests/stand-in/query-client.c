/* stand-in-query: asks a running extension manager, the stand-in's or a real osqueryd's. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/stand-in/calls.h"
#include "tests/stand-in/print.h"
#include "thrift/client.h"
#include "thrift/types.h"

typedef struct {
  char *socket;
  double timeout_s;
  gboolean json, line;
  const char *sql;
} Options;

static void
options_clear(Options *options)
{
  g_free(options->socket);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
read_options(Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
      {"socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket, "the manager's socket", "PATH"},
      {"timeout", 0, 0, G_OPTION_ARG_DOUBLE, &options->timeout_s, "give up after S seconds (10)",
       "S"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &options->json, "as JSON", NULL},
      {"line", 0, 0, G_OPTION_ARG_NONE, &options->line, "a line for each value", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  g_autoptr(GOptionContext) context = g_option_context_new("SQL");
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, argc, argv, error))
    return FALSE;
  if (options->socket == NULL || *argc != 2 || !(options->timeout_s > 0) ||
      options->timeout_s > 1e6) {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "usage: stand-in-query --socket PATH [--timeout S] [--json|--line] SQL");
    return FALSE;
  }
  options->sql = (*argv)[1];
  return TRUE;
}

/* The rows are maps; only this call tells the order of the columns. */
static char **
column_names(const GPtrArray *answer)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  for (guint i = 0; i < answer->len; i++) {
    GHashTableIter entries;
    gpointer name;
    g_hash_table_iter_init(&entries, g_ptr_array_index(answer, i));
    while (g_hash_table_iter_next(&entries, &name, NULL))
      g_strv_builder_add(names, name);
  }
  return g_strv_builder_end(names);
}

static char *
ask(const Options *options, GError **error)
{
  gint64 deadline_us = g_get_monotonic_time() + (gint64)(options->timeout_s * G_USEC_PER_SEC);
  const WirePeer peer = {options->socket, deadline_us, NULL, NULL};
  g_autoptr(GPtrArray) columns = stand_query_columns(&peer, options->sql, error);
  if (columns == NULL)
    return NULL;
  g_autoptr(GPtrArray) rows = wire_query(&peer, options->sql, error);
  if (rows == NULL)
    return NULL;
  g_auto(GStrv) names = column_names(columns);
  StandPrint form = options->json   ? STAND_PRINT_JSON
                    : options->line ? STAND_PRINT_LINE
                                    : STAND_PRINT_TABLE;
  return stand_print(form, (const char *const *)names, rows);
}

int
main(int argc, char **argv)
{
  g_auto(Options) options = {.timeout_s = 10};
  g_autoptr(GError) error = NULL;
  if (!read_options(&options, &argc, &argv, &error)) {
    g_printerr("stand-in-query: %s\n", error->message);
    return 2;
  }
  wire_init();
  g_autofree char *text = ask(&options, &error);
  if (text == NULL) {
    g_printerr("stand-in-query: %s\n", error->message);
    return EXIT_FAILURE;
  }
  return fputs(text, stdout) != EOF && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
