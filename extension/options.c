#include "extension/options.h"

#include <string.h>

#include "thrift/socket.h"
#include "watchdog/core/settings/defaults.h"

/* osquery adds a uuid of 16 bits to the manager's path for each extension's own socket. */
#define SUFFIX_MAX (sizeof ".65535" - 1)
#define SECONDS_MAX 86400

static gboolean
wrong(GError **error, const char *format, const char *what)
{
  g_autofree char *line = g_strdup_printf(format, what);
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, line);
  return FALSE;
}

typedef struct {
  char *name;        /* without dashes in front, with underscores */
  const char *value; /* NULL: none was attached */
} Flag;

static void
flag_clear(Flag *flag)
{
  g_free(flag->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Flag, flag_clear)

static gboolean
split_flag(const char *argument, Flag *flag)
{
  if (argument[0] != '-' || argument[1] == '\0')
    return FALSE;
  const char *begin = argument + (argument[1] == '-' ? 2 : 1);
  const char *equals = strchr(begin, '=');
  flag->name = equals != NULL ? g_strndup(begin, (gsize)(equals - begin)) : g_strdup(begin);
  flag->value = equals != NULL ? equals + 1 : NULL;
  g_strdelimit(flag->name, "-", '_');
  return *flag->name != '\0';
}

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
  const gboolean hex = g_str_has_prefix(value, "0x") || g_str_has_prefix(value, "0X");
  guint64 seconds;
  if (!g_ascii_string_to_unsigned(hex ? value + 2 : value, hex ? 16 : 10, 0, SECONDS_MAX, &seconds,
                                  NULL))
    return wrong(error, "%s: needs a number of seconds from 0 to 86400", argument);
  *us = (gint64)MAX(seconds, 1) * G_TIME_SPAN_SECOND; /* osqueryd hands on what it was given */
  return TRUE;
}

static gboolean
set_boolean(gboolean *to, const char *value, const char *argument, GError **error)
{
  static const char *const TRUE_WORDS[] = {"true", "t", "yes", "y", "1", NULL};
  static const char *const FALSE_WORDS[] = {"false", "f", "no", "n", "0", NULL};
  g_autofree char *word = g_ascii_strdown(value, -1);
  *to = g_strv_contains(TRUE_WORDS, word);
  return *to || g_strv_contains(FALSE_WORDS, word) ||
         wrong(error, "%s: needs true or false", argument);
}

/* @next: the argument that follows. Takes it where the value isn't attached, and says so by @took.
 */
static gboolean
apply(ExtOptions *options, const Flag *flag, const char *argument, const char *next, gboolean *took,
      GError **error)
{
  *took = FALSE;
  if (g_str_equal(flag->name, "verbose"))
    return set_boolean(&options->verbose, flag->value != NULL ? flag->value : "true", argument,
                       error);
  if (g_str_equal(flag->name, "noverbose") && flag->value == NULL) {
    options->verbose = FALSE;
    return TRUE;
  }

  if (g_str_equal(flag->name, "noobserve") && flag->value == NULL) {
    options->observe = EXT_OBSERVE_NEVER;
    return TRUE;
  }
  if (g_str_equal(flag->name, "observe")) {
    gboolean observe;
    if (!set_boolean(&observe, flag->value != NULL ? flag->value : "true", argument, error))
      return FALSE;
    options->observe = observe ? EXT_OBSERVE_ALWAYS : EXT_OBSERVE_NEVER;
    return TRUE;
  }

  static const char *const VALUED[] = {"socket",    "timeout",     "interval",
                                       "state_dir", "runtime_dir", NULL};
  if (!g_strv_contains(VALUED, flag->name))
    return wrong(error, "%s: unknown option", argument);
  const char *value = flag->value;
  if (value == NULL) {
    if (next == NULL)
      return wrong(error, "%s: needs a value", argument);
    value = next;
    *took = TRUE;
  }
  if (g_str_equal(flag->name, "timeout"))
    return set_seconds(&options->timeout_us, value, argument, error);
  if (g_str_equal(flag->name, "interval"))
    return set_seconds(&options->interval_us, value, argument, error);
  if (g_str_equal(flag->name, "state_dir"))
    return set_path(&options->state_dir, value, argument, error);
  if (g_str_equal(flag->name, "runtime_dir"))
    return set_path(&options->runtime_dir, value, argument, error);
  return set_path(&options->socket, value, argument, error);
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

/* osquery sets the variable for each extension that it starts (osquery/core/watcher.cpp); inherited
 * from somebody else it has another pid. */
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
  /* The two times are osquery's defaults. */
  *options = (ExtOptions){
      .timeout_us = 3 * G_TIME_SPAN_SECOND,
      .interval_us = 3 * G_TIME_SPAN_SECOND,
      .state_dir = g_strdup(state_dir != NULL ? state_dir : WD_DEFAULT_STATE_DIR),
      .runtime_dir = g_strdup(runtime_dir != NULL ? runtime_dir : WD_DEFAULT_RUNTIME_DIR),
      .starter = starter_of(environment),
      .report_fd = g_strdup(environment->report_fd),
  };
  for (guint i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
    g_auto(Flag) flag = {0};
    if (!split_flag(argv[i], &flag)) {
      wrong(error, "%s: not an option", argv[i]);
      return EXT_OPTIONS_WRONG;
    }
    if (g_str_equal(flag.name, "help") || g_str_equal(flag.name, "h"))
      return EXT_OPTIONS_HELP;
    if (g_str_equal(flag.name, "version"))
      return EXT_OPTIONS_VERSION;
    gboolean took;
    if (!apply(options, &flag, argv[i], argv[i + 1], &took, error))
      return EXT_OPTIONS_WRONG;
    i += took ? 1 : 0;
  }
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
         "Serves the tables watchdog_processes, watchdog_events and watchdog_samples to osquery.\n"
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
