#include "extension/options.h"

#include <gio/gio.h>
#include <string.h>

#include "thrift/socket.h"
#include "watchdog/core/settings/defaults.h"
#include "watchdog/core/settings/flag-word.h"

/* osquery names each extension's socket by appending a 16-bit uuid to the manager's path. */
#define SUFFIX_MAX (sizeof ".65535" - 1)
#define SECONDS_MAX 86400

static gboolean
wrong(GError **error, const char *format, const char *what)
{
  g_autofree char *line = g_strdup_printf(format, what);
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, line);
  return FALSE;
}

static const WdFlagSpec FLAGS[] = {
    {.name = "socket", .type = WD_FLAG_STRING},      {.name = "timeout", .type = WD_FLAG_UINT64},
    {.name = "interval", .type = WD_FLAG_UINT64},    {.name = "state_dir", .type = WD_FLAG_STRING},
    {.name = "runtime_dir", .type = WD_FLAG_STRING}, {.name = "verbose", .type = WD_FLAG_BOOL},
    {.name = "observe", .type = WD_FLAG_BOOL},
};

static gboolean
set_path(char **path, const char *value, const char *argument, GError **error)
{
  if (*value == '\0')
    return wrong(error, "%s: needs a path", argument);
  g_free(*path);
  *path = g_strdup(value);
  return TRUE;
}

static gboolean
set_seconds(gint64 *us, const char *value, const char *argument, GError **error)
{
  gint64 seconds;
  if (!g_ascii_isdigit(*value) || !wd_flag_value_parse(WD_FLAG_UINT64, value, &seconds) ||
      seconds > SECONDS_MAX)
    return wrong(error, "%s: needs a number of seconds from 0 to 86400", argument);
  *us = MAX(seconds, 1) * G_TIME_SPAN_SECOND; /* osqueryd may pass on a 0 */
  return TRUE;
}

static gboolean
set_boolean(ExtOptions *options, const char *name, const char *value, const char *argument,
            GError **error)
{
  gint64 on;
  if (!wd_flag_value_parse(WD_FLAG_BOOL, value, &on))
    return wrong(error, "%s: needs true or false", argument);
  if (g_str_equal(name, "verbose"))
    options->verbose = on != 0;
  else
    options->observe = on != 0 ? EXT_OBSERVE_ALWAYS : EXT_OBSERVE_NEVER;
  return TRUE;
}

static gboolean
set(ExtOptions *options, const char *name, const char *value, const char *argument, GError **error)
{
  if (g_str_equal(name, "timeout"))
    return set_seconds(&options->timeout_us, value, argument, error);
  if (g_str_equal(name, "interval"))
    return set_seconds(&options->interval_us, value, argument, error);
  if (g_str_equal(name, "state_dir"))
    return set_path(&options->state_dir, value, argument, error);
  if (g_str_equal(name, "runtime_dir"))
    return set_path(&options->runtime_dir, value, argument, error);
  if (g_str_equal(name, "socket"))
    return set_path(&options->socket, value, argument, error);
  return set_boolean(options, name, value, argument, error);
}

/* Applies the flag at @argv[*@i]. If its value is the next word, advances *@i to it. Stricter than
 * gflags, which ignores words that are no flags, and the value in --noverbose=1. */
static ExtOptionsResult
apply_word(ExtOptions *options, const char *const *argv, gsize *i, GError **error)
{
  const char *argument = argv[*i];
  g_auto(WdFlagWord) flag = {0};
  if (argument[0] == '-' && argument[1] != '\0')
    flag = wd_flag_word_take(FLAGS, G_N_ELEMENTS(FLAGS), argv, i);
  if (flag.name == NULL || *flag.name == '\0') {
    wrong(error, "%s: not an option", argument);
    return EXT_OPTIONS_WRONG;
  }
  if (g_str_equal(flag.name, "help") || g_str_equal(flag.name, "h"))
    return EXT_OPTIONS_HELP;
  if (g_str_equal(flag.name, "version"))
    return EXT_OPTIONS_VERSION;

  const gboolean negated = g_str_has_prefix(flag.name, "no");
  gboolean ok;
  if (flag.spec == NULL || (negated && strchr(argument, '=') != NULL))
    ok = wrong(error, "%s: unknown option", argument);
  else if (flag.value == NULL)
    ok = wrong(error, "%s: needs a value", argument);
  else
    ok = set(options, flag.spec->name, flag.value, argument, error);
  return ok ? EXT_OPTIONS_RUN : EXT_OPTIONS_WRONG;
}

static gboolean
check(const ExtOptions *options, GError **error)
{
  if (options->socket == NULL)
    return wrong(error, "%s: missing: the path of osquery's extension manager", "--socket");
  if (strlen(options->socket) + SUFFIX_MAX > WIRE_SOCKET_PATH_MAX)
    return wrong(error,
                 "--socket: %s is too long: 107 bytes is the most for a socket, the uuid that "
                 "osquery adds included",
                 options->socket);
  return TRUE;
}

/* osquery sets the variable for each extension that it starts (osquery/core/watcher.cpp). If we
 * inherited it from another extension, it has that one's pid. */
static ExtStarter
starter_of(const ExtEnvironment *environment)
{
  g_autofree char *pid = g_strdup_printf("%" G_GINT64_FORMAT, environment->pid);
  if (environment->runtime_dir != NULL)
    return EXT_STARTED_BY_WATCHDOG;
  return g_strcmp0(environment->extension, pid) == 0 ? EXT_STARTED_BY_OSQUERY : EXT_STARTED_BY_HAND;
}

ExtOptionsResult
ext_options_parse(const char *const *argv, const ExtEnvironment *environment, ExtOptions *options,
                  GError **error)
{
  const char *state_dir = environment->state_dir;
  const char *runtime_dir = environment->runtime_dir;
  /* Both times are osquery's defaults. */
  *options = (ExtOptions){
      .timeout_us = 3 * G_TIME_SPAN_SECOND,
      .interval_us = 3 * G_TIME_SPAN_SECOND,
      .state_dir = g_strdup(state_dir != NULL ? state_dir : WD_DEFAULT_STATE_DIR),
      .runtime_dir = g_strdup(runtime_dir != NULL ? runtime_dir : WD_DEFAULT_RUNTIME_DIR),
      .starter = starter_of(environment),
      .report_fd = g_strdup(environment->report_fd),
  };
  ExtOptionsResult result = EXT_OPTIONS_RUN;
  for (gsize i = 1; argv[0] != NULL && argv[i] != NULL && result == EXT_OPTIONS_RUN; i++)
    result = apply_word(options, argv, &i, error);
  if (result != EXT_OPTIONS_RUN)
    return result;
  return check(options, error) ? EXT_OPTIONS_RUN : EXT_OPTIONS_WRONG;
}

void
ext_options_clear(ExtOptions *options)
{
  g_clear_pointer(&options->socket, g_free);
  g_clear_pointer(&options->state_dir, g_free);
  g_clear_pointer(&options->runtime_dir, g_free);
  g_clear_pointer(&options->report_fd, g_free);
}

const char *
ext_options_help(void)
{
  return "Usage: osquery-watchdog.ext --socket PATH [OPTION]…\n"
         "Serves the tables watchdog_processes, watchdog_events, watchdog_samples,\n"
         "watchdog_terminations and watchdog_settings to osquery.\n"
         "\n"
         "  --socket PATH       osquery's extension manager (its --extensions_socket)\n"
         "  --timeout S         wait at most so long for it (3)\n"
         "  --interval S        look so often whether we are still registered (3)\n"
         "  --verbose           say more on stderr\n"
         "  --state_dir DIR     where the history is (" WD_DEFAULT_STATE_DIR ",\n"
         "                      or $" WD_STATE_DIR_VARIABLE ")\n"
         "  --runtime_dir DIR   where the present state is (" WD_DEFAULT_RUNTIME_DIR ",\n"
         "                      or $" WD_RUNTIME_DIR_VARIABLE ")\n"
         "  --observe           observe osqueryd's watcher, and write to these directories\n"
         "  --noobserve         only read what is there; without either: observe, unless\n"
         "                      osquery-watchdogd runs osqueryd\n"
         "  --version\n"
         "  --help\n"
         "\n"
         "Started by osquery-watchdogd, or by osqueryd's own watcher, it outlives osquery's "
         "workers,\n"
         "registers with each new one, and ends with who started it; otherwise it ends when there\n"
         "is none for --timeout seconds.\n";
}
