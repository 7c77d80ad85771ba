#include "tables/ctl/events.h"
#include "tables/ctl/explain/explain.h"
#include "tables/ctl/options.h"
#include "tables/ctl/print/text.h"
#include "tables/ctl/query.h"
#include "tables/ctl/report/report.h"
#include "tables/ctl/session.h"
#include "tables/ctl/status.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int
complain(const char *message, int status)
{
  g_autofree char *visible = ctl_visible(message); /* it may quote what was asked */
  fprintf(stderr, "osquery-watchdogctl: %s\n", visible);
  return status;
}

static gboolean
run(const CtlOptions *options, GError **error)
{
  g_auto(Ctl) ctl = {0};
  if (!ctl_open(&ctl, options, stdout, error))
    return FALSE;
  switch (options->command) {
  case CTL_COMMAND_STATUS:
    return ctl_status(&ctl, error);
  case CTL_COMMAND_EVENTS:
    return ctl_events(&ctl, error);
  case CTL_COMMAND_EXPLAIN:
    return ctl_explain(&ctl, error);
  case CTL_COMMAND_REPORT:
    return ctl_report(&ctl, error);
  case CTL_COMMAND_QUERY:
    return ctl_query(&ctl, error);
  case CTL_COMMAND_HELP:
  case CTL_COMMAND_VERSION:
    break; /* need no tables */
  }
  g_assert_not_reached();
}

int
main(int argc, char **argv)
{
  (void)argc;
  /* A reader that has seen enough ends us quietly, even where SIGPIPE was ignored before. */
  (void)signal(SIGPIPE, SIG_DFL);
  /* For the character set alone: numbers keep their decimal point. A locale that isn't installed
   * leaves ASCII. */
  (void)setlocale(LC_CTYPE, "");

  g_autoptr(GError) error = NULL;
  g_autoptr(CtlOptions) options = ctl_options_parse((const char **)argv, &error);
  if (options == NULL)
    return complain(error->message, EXIT_USAGE);

  if (options->command == CTL_COMMAND_HELP)
    fputs(ctl_help, stdout);
  else if (options->command == CTL_COMMAND_VERSION)
    fputs("osquery-watchdogctl " PROJECT_VERSION "\n", stdout);
  else if (!run(options, &error)) {
    (void)fflush(stdout); /* what was printed before the fault comes before the complaint */
    return complain(error->message, EXIT_FAILED);
  }
  if (fflush(stdout) != 0 || ferror(stdout)) {
    g_autofree char *message = g_strdup_printf("cannot write the output: %s", g_strerror(errno));
    return complain(message, EXIT_FAILED);
  }
  return EXIT_DONE;
}
