/* osquery-watchdogd: supervises osqueryd and its managed extensions. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "watchdog/log.h"
#include "watchdog/supervision.h"
#include "watchdog/text-file.h"

#define EXIT_USAGE 2

static char *
read_file(const char *path, gpointer user_data, GError **error)
{
  (void)user_data;
  return wd_text_file_read(path, error);
}

static const char *
get_env(const char *name, gpointer user_data)
{
  (void)user_data;
  return g_getenv(name);
}

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

/* Every setting, with where it comes from; and what can't work as meant. */
static int
print_settings(const WdSettings *settings)
{
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i < settings->origins->len; i++) {
    const WdSettingOrigin *origin = g_ptr_array_index(settings->origins, i);
    g_string_append_printf(text, "--%s=%s  (%s)\n", origin->name, origin->value, origin->source);
  }
  for (guint i = 0; i < settings->warnings->len; i++)
    g_string_append_printf(text, "warning: %s\n",
                           (const char *)g_ptr_array_index(settings->warnings, i));
  return print(text->str);
}

int
main(int argc, char **argv)
{
  (void)argc;
  g_autoptr(GError) error = NULL;
  const WdSettingsIo io = {.read_file = read_file, .get_env = get_env};
  const guint cpus = (guint)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
  g_autoptr(WdSettings) settings = wd_settings_parse((const char *const *)argv, cpus, &io, &error);
  if (settings == NULL)
    return fail(error);
  switch (settings->command) {
  case WD_COMMAND_HELP:
    return print(wd_settings_help());
  case WD_COMMAND_VERSION:
    return print("osquery-watchdogd " PROJECT_VERSION "\n");
  case WD_COMMAND_CHECK:
    return print_settings(settings);
  case WD_COMMAND_RUN:
    break;
  }
  const int exit_code = wd_supervision_run(settings, &error);
  if (error != NULL)
    (void)fail(error);
  return exit_code;
}
