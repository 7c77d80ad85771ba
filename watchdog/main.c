/* osquery-watchdogd: supervises osqueryd and its managed extensions. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/core/settings/own-options.h"
#include "watchdog/core/settings/settings-error.h"
#include "watchdog/look/settings-reader.h"
#include "watchdog/record/log.h"
#include "watchdog/run/check.h"
#include "watchdog/run/process-name.h"
#include "watchdog/run/supervision.h"

#define EXIT_USAGE 2

static int
fail(const GError *error)
{
  wd_logf("osquery-watchdogd: %s", error->message);
  return g_error_matches(error, WD_SETTINGS_ERROR, WD_SETTINGS_ERROR_USAGE) ? EXIT_USAGE
                                                                            : EXIT_FAILURE;
}

static int
print(const char *text)
{
  return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns only if that fails. */
static int
execute(char *const *argv, GError **error)
{
  execvp(argv[0], argv);
  wd_errno_error(error, argv[0]);
  return EXIT_FAILURE;
}

/* Takes @settings. */
static int
supervise(char **argv, WdSettings *settings, GError **error)
{
  g_auto(GStrv) words = g_strdupv(argv);
  wd_process_name_take(argv[0], settings->osqueryd_argv[0]);
  return wd_supervision_run((const char *const *)words, settings, error);
}

int
main(int argc, char **argv)
{
  (void)argc;
  g_autoptr(GError) error = NULL;
  WdSettings *settings = wd_settings_read((const char *const *)argv, &error);
  if (settings == NULL)
    return fail(error);
  int exit_code = EXIT_SUCCESS;
  switch (settings->command) {
  case WD_COMMAND_HELP:
    exit_code = print(wd_own_options_help());
    break;
  case WD_COMMAND_VERSION:
    exit_code = print("osquery-watchdogd " PROJECT_VERSION "\n");
    break;
  case WD_COMMAND_CHECK:
    exit_code = wd_check_run(settings, &error);
    break;
  case WD_COMMAND_RUN:
    exit_code = settings->runs_once != NULL ? execute(settings->osqueryd_argv, &error)
                                            : supervise(argv, g_steal_pointer(&settings), &error);
    break;
  }
  wd_settings_free(settings);
  return error != NULL ? fail(error) : exit_code;
}
