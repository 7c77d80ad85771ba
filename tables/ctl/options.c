#include "tables/ctl/options.h"

#include "tables/ctl/print/words.h"
#include "watchdog/core/settings/defaults.h"

const char ctl_help[] =
    "Usage: osquery-watchdogctl [OPTION…] COMMAND\n"
    "\n"
    "Shows what osquery-watchdogd does and did, straight from its files: osquery isn't needed.\n"
    "\n"
    "Commands:\n"
    "  status          a line for the watchdog, the worker, each extension: their CPU and\n"
    "                  memory against the limits, what they are doing, the last event\n"
    "  events          what happened, oldest first\n"
    "    --since T       only of the last T: 90s, 15m, 1h, 7d\n"
    "    --event E       only of this kind, such as process_terminated\n"
    "    --follow        go on with new events until interrupted\n"
    "  explain [EID]   how and why a process ended, what followed, what to change; EID:\n"
    "                  any event related to it; without one, the last unexpected end\n"
    "  report          one HTML page: the processes over time, what happened, what to change\n"
    "    --html FILE     where to write it; - for the standard output\n"
    "    --since T       as for events\n"
    "  query [SQL]     one SELECT over watchdog_processes, _events, _samples, _terminations\n"
    "                  and _settings; without SQL a prompt, or the statements on\n"
    "                  standard input if it isn't a terminal\n"
    "\n"
    "Options:\n"
    "  --json          an array of objects: numbers as numbers, NULL as null\n"
    "                  (with --follow: one object a line)\n"
    "  --csv           RFC 4180, the first line names the columns\n"
    "  --line          one \"name = value\" a line\n"
    "  --state_dir D   where history.db is (" WD_DEFAULT_STATE_DIR ")\n"
    "  --runtime_dir D where status.db is (" WD_DEFAULT_RUNTIME_DIR ")\n"
    "  --version, --help\n"
    "\n"
    "Environment: NO_COLOR forbids colours, which only a terminal gets.\n"
    "Exit status: 0 done, 1 a file that can't be used, an SQL error, an unknown EID, 2 bad "
    "usage.\n";

gint64
ctl_parse_duration(const char *text)
{
  static const struct {
    const char *suffix;
    gint64 seconds;
  } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
  char *rest;
  if (!g_ascii_isdigit(*text))
    return 0;
  guint64 value = g_ascii_strtoull(text, &rest, 10);
  if (value > G_MAXINT32) /* 68 years, and weeks of these still fit */
    return 0;
  for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
    if (g_str_equal(rest, units[i].suffix))
      return (gint64)value * units[i].seconds;
  return 0;
}

static gboolean
fail(GError **error, const char *argument, const char *what)
{
  g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: %s", argument, what);
  return FALSE;
}

static gboolean
fail_value(GError **error, const char *name, const char *value, const char *what)
{
  g_autofree char *argument = g_strdup_printf("%s %s", name, value);
  return fail(error, argument, what);
}

static const struct {
  const char *name;
  CtlCommand command;
  guint most_operands;
} commands[] = {
    {"status", CTL_COMMAND_STATUS, 0},   {"events", CTL_COMMAND_EVENTS, 0},
    {"explain", CTL_COMMAND_EXPLAIN, 1}, {"report", CTL_COMMAND_REPORT, 0},
    {"query", CTL_COMMAND_QUERY, 1},
};
#define COMMAND_NAMES "status, events, explain, report, query"

static gboolean
take_operand(CtlOptions *options, const char *word, GError **error)
{
  if (options->command == CTL_COMMAND_QUERY) {
    options->sql = g_strdup(word);
    return TRUE;
  }
  if (g_ascii_string_to_signed(word, 10, 1, G_MAXINT64, &options->eid, NULL))
    return TRUE;
  return fail_value(error, "explain", word, "is no event's number, expected an eid such as 42");
}

/* Takes the command and its operands, what is left of the command line. */
static gboolean
take_command(CtlOptions *options, char **words, GError **error)
{
  guint n = g_strv_length(words);
  if (n == 0)
    return fail(error, "COMMAND", "is missing, one of " COMMAND_NAMES);
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
    if (!g_str_equal(words[0], commands[i].name))
      continue;
    options->command = commands[i].command;
    if (n > 1 + commands[i].most_operands)
      return fail(error, words[1 + commands[i].most_operands], "is one argument too many");
    return n == 1 || take_operand(options, words[1], error);
  }
  return fail(error, words[0], "is no command, expected one of " COMMAND_NAMES);
}

static gboolean
check_events_only(const CtlOptions *options, const char *since, GError **error)
{
  const gboolean report = options->command == CTL_COMMAND_REPORT;
  const char *given = options->follow            ? "--follow"
                      : since != NULL && !report ? "--since"
                      : options->event           ? "--event"
                                                 : NULL;
  if (options->command != CTL_COMMAND_EVENTS && given != NULL)
    return fail(error, given, "goes with the command events alone");
  return TRUE;
}

/* A page is no format of rows, and is not for a terminal: where it goes must be said. */
static gboolean
check_report(const CtlOptions *options, GError **error)
{
  const gboolean report = options->command == CTL_COMMAND_REPORT;
  if (!report && options->html != NULL)
    return fail(error, "--html", "goes with the command report alone");
  if (report && (options->html == NULL || *options->html == '\0'))
    return fail(error, "report", "expects --html FILE, or --html - for the standard output");
  if (report && options->format != CTL_FORMAT_PEOPLE)
    return fail(error,
                options->format == CTL_FORMAT_JSON  ? "--json"
                : options->format == CTL_FORMAT_CSV ? "--csv"
                                                    : "--line",
                "a report is written as HTML alone");
  return TRUE;
}

CtlOptions *
ctl_options_parse(const char **argv, GError **error)
{
  g_autoptr(CtlOptions) options = g_new0(CtlOptions, 1);
  g_autofree char *since = NULL;
  gboolean show_help = FALSE, version = FALSE, json = FALSE, csv = FALSE, line = FALSE;
  /* ARG_FILENAME takes any bytes, ARG_STRING would refuse what the locale doesn't know. */
  const GOptionEntry entries[] = {
      {"state_dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir, NULL, NULL},
      {"runtime_dir", 0, 0, G_OPTION_ARG_FILENAME, &options->runtime_dir, NULL, NULL},
      {"since", 0, 0, G_OPTION_ARG_FILENAME, &since, NULL, NULL},
      {"event", 0, 0, G_OPTION_ARG_FILENAME, &options->event, NULL, NULL},
      {"html", 0, 0, G_OPTION_ARG_FILENAME, &options->html, NULL, NULL},
      {"follow", 0, 0, G_OPTION_ARG_NONE, &options->follow, NULL, NULL},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL},
      {"csv", 0, 0, G_OPTION_ARG_NONE, &csv, NULL, NULL},
      {"line", 0, 0, G_OPTION_ARG_NONE, &line, NULL, NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &version, NULL, NULL},
      {"help", 0, 0, G_OPTION_ARG_NONE, &show_help, NULL, NULL},
      {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_option_context_set_help_enabled(context, FALSE); /* it would print and exit by itself */
  g_option_context_add_main_entries(context, entries, NULL);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_strv_builder_addv(builder, argv);
  g_auto(GStrv) words = g_strv_builder_end(builder);
  if (!g_option_context_parse_strv(context, &words, error))
    return NULL;

  if (options->state_dir == NULL)
    options->state_dir = g_strdup(WD_DEFAULT_STATE_DIR);
  if (options->runtime_dir == NULL)
    options->runtime_dir = g_strdup(WD_DEFAULT_RUNTIME_DIR);
  options->format = json   ? CTL_FORMAT_JSON
                    : csv  ? CTL_FORMAT_CSV
                    : line ? CTL_FORMAT_LINE
                           : CTL_FORMAT_PEOPLE;
  options->command = show_help ? CTL_COMMAND_HELP : CTL_COMMAND_VERSION;
  if (show_help || version)
    return g_steal_pointer(&options);

  if (json + csv + line > 1) {
    fail(error, line ? "--line" : "--csv", "only one of --json, --csv, --line can be given");
    return NULL;
  }
  if (!take_command(options, words + 1, error) || !check_events_only(options, since, error) ||
      !check_report(options, error))
    return NULL;
  options->since_s = since != NULL ? ctl_parse_duration(since) : 0;
  WdEventKind kind;
  if (since != NULL && options->since_s == 0)
    fail_value(error, "--since", since, "is no duration, expected such as 90s, 15m, 1h, 7d");
  else if (options->event != NULL && !ctl_word_event(options->event, &kind))
    fail_value(error, "--event", options->event,
               "is no event, expected such as process_terminated");
  else
    return g_steal_pointer(&options);
  return NULL;
}

void
ctl_options_free(CtlOptions *options)
{
  if (options == NULL)
    return;
  g_free(options->state_dir);
  g_free(options->runtime_dir);
  g_free(options->event);
  g_free(options->sql);
  g_free(options->html);
  g_free(options);
}
