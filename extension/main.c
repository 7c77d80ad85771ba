#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "extension/options.h"
#include "extension/program.h"
#include "watchdog/core/machine/report.h"
#include "watchdog/core/settings/defaults.h"

int
main(int argc, char **argv)
{
  (void)argc;
  const ExtEnvironment environment = {
      .state_dir = g_getenv(WD_STATE_DIR_VARIABLE),
      .runtime_dir = g_getenv(WD_RUNTIME_DIR_VARIABLE),
      .report_fd = g_getenv(WD_REPORT_FD_VARIABLE),
      .extension = g_getenv("OSQUERY_EXTENSION"),
      .pid = getpid(),
  };
  g_auto(ExtOptions) options = {0};
  g_autoptr(GError) error = NULL;
  switch (ext_options_parse((const char *const *)argv, &environment, &options, &error)) {
  case EXT_OPTIONS_RUN:
    return ext_program_run(&options);
  case EXT_OPTIONS_HELP:
    return fputs(ext_options_help(), stdout) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
  case EXT_OPTIONS_VERSION:
    return puts("osquery-watchdog.ext " PROJECT_VERSION) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
  case EXT_OPTIONS_WRONG:
    break;
  }
  fprintf(stderr, "osquery-watchdog.ext: %s\n", error->message);
  return 2;
}
