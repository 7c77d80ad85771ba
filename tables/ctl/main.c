#include "tables/ctl/command.h"
#include "tables/ctl/print/text.h"

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

int
main(int argc, char **argv)
{
  (void)argc;
  /* A reader that has seen enough ends us quietly, whatever whoever started us made of SIGPIPE. */
  (void)signal(SIGPIPE, SIG_DFL);
  /* For the character set alone: numbers stay as programs write them. A locale that isn't installed
   * leaves ASCII. */
  (void)setlocale(LC_CTYPE, "");

  g_autoptr(GError) error = NULL;
  g_autoptr(CtlOptions) options = ctl_options_parse((const char *const *)argv, &error);
  if (options == NULL)
    return complain(error->message, EXIT_USAGE);

  if (options->command == CTL_COMMAND_HELP)
    fputs(ctl_help(), stdout);
  else if (options->command == CTL_COMMAND_VERSION)
    fputs("osquery-watchdogctl " PROJECT_VERSION "\n", stdout);
  else if (!ctl_run(options, stdout, &error)) {
    (void)fflush(stdout); /* what was printed before the fault; looked at below no more */
    return complain(error->message, EXIT_FAILED);
  }
  if (fflush(stdout) != 0 || ferror(stdout)) {
    g_autofree char *message = g_strdup_printf("cannot write the output: %s", g_strerror(errno));
    return complain(message, EXIT_FAILED);
  }
  return EXIT_DONE;
}
