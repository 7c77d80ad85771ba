#include "tests/stand-in/flags.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

G_DEFINE_QUARK(stand - flags - error, stand_flags_error)

#define FLAGFILE_DEPTH_MAX 16
#define ALARM_TIMEOUT_MIN 10 /* osquery/core/init.cpp, validateAlarmTimeout */

/* Types and defaults as osquery's; the last ones are our own. */
static const StandFlag FLAGS[] = {
    {"D", STAND_FLAG_BOOL, "false", STAND_FLAG_CLI},
    {"alarm_timeout", STAND_FLAG_UINT64, "15", STAND_FLAG_CLI},
    {"allow_unsafe", STAND_FLAG_BOOL, "false", STAND_FLAG_HIDDEN},
    {"config_path", STAND_FLAG_STRING, "/etc/osquery/osquery.conf", STAND_FLAG_CLI},
    {"config_plugin", STAND_FLAG_STRING, "filesystem", STAND_FLAG_CLI},
    {"config_refresh", STAND_FLAG_UINT64, "0", STAND_FLAG_CLI},
    {"config_tls_endpoint", STAND_FLAG_STRING, "", STAND_FLAG_CLI},
    {"daemonize", STAND_FLAG_BOOL, "false", STAND_FLAG_CLI},
    {"database_path", STAND_FLAG_STRING, "/var/osquery/osquery.db", STAND_FLAG_CLI},
    {"disable_database", STAND_FLAG_BOOL, "false", STAND_FLAG_CONFIG},
    {"disable_distributed", STAND_FLAG_BOOL, "true", STAND_FLAG_CONFIG},
    {"disable_events", STAND_FLAG_BOOL, "false", STAND_FLAG_CONFIG},
    {"disable_extensions", STAND_FLAG_BOOL, "false", STAND_FLAG_CLI},
    {"disable_logging", STAND_FLAG_BOOL, "false", STAND_FLAG_CONFIG},
    {"disable_tables", STAND_FLAG_STRING, "", STAND_FLAG_CLI},
    {"disable_watchdog", STAND_FLAG_BOOL, "false", STAND_FLAG_CLI},
    {"distributed_denylist_duration", STAND_FLAG_UINT64, "86400", STAND_FLAG_CONFIG},
    {"distributed_loginfo", STAND_FLAG_BOOL, "false", STAND_FLAG_CONFIG},
    {"distributed_plugin", STAND_FLAG_STRING, "tls", STAND_FLAG_CONFIG},
    {"enable_extensions_watchdog", STAND_FLAG_BOOL, "false", STAND_FLAG_CLI},
    {"enable_watchdog_debug", STAND_FLAG_BOOL, "false", STAND_FLAG_CLI},
    {"enroll_secret_path", STAND_FLAG_STRING, "", STAND_FLAG_CLI},
    {"enroll_tls_endpoint", STAND_FLAG_STRING, "", STAND_FLAG_CLI},
    {"ephemeral", STAND_FLAG_BOOL, "false", STAND_FLAG_CONFIG},
    {"events_expiry", STAND_FLAG_UINT64, "3600", STAND_FLAG_CONFIG},
    {"events_max", STAND_FLAG_UINT64, "50000", STAND_FLAG_CONFIG},
    {"extensions_autoload", STAND_FLAG_STRING, "/etc/osquery/extensions.load", STAND_FLAG_CLI},
    {"extensions_default_index", STAND_FLAG_BOOL, "true", STAND_FLAG_CONFIG},
    {"extensions_interval", STAND_FLAG_STRING, "3", STAND_FLAG_CLI},
    {"extensions_require", STAND_FLAG_STRING, "", STAND_FLAG_CLI},
    {"extensions_socket", STAND_FLAG_STRING, "/var/osquery/osquery.em", STAND_FLAG_CLI},
    {"extensions_timeout", STAND_FLAG_STRING, "3", STAND_FLAG_CLI},
    {"flagfile", STAND_FLAG_STRING, "", STAND_FLAG_GFLAGS},
    {"force", STAND_FLAG_BOOL, "false", STAND_FLAG_CLI},
    {"host_identifier", STAND_FLAG_STRING, "hostname", STAND_FLAG_CONFIG},
    {"logger_min_status", STAND_FLAG_INT32, "0", STAND_FLAG_CONFIG},
    {"logger_min_stderr", STAND_FLAG_INT32, "0", STAND_FLAG_CONFIG},
    {"logger_path", STAND_FLAG_STRING, "/var/log/osquery/", STAND_FLAG_CONFIG},
    {"logger_plugin", STAND_FLAG_STRING, "filesystem", STAND_FLAG_CLI},
    {"logger_stderr", STAND_FLAG_BOOL, "true", STAND_FLAG_CLI},
    {"logtostderr", STAND_FLAG_BOOL, "false", STAND_FLAG_GFLAGS},
    {"nullvalue", STAND_FLAG_STRING, "", STAND_FLAG_CONFIG},
    {"pack_delimiter", STAND_FLAG_STRING, "_", STAND_FLAG_CONFIG},
    {"pidfile", STAND_FLAG_STRING, "/var/run/osqueryd.pidfile", STAND_FLAG_CLI},
    {"schedule_default_interval", STAND_FLAG_UINT64, "3600", STAND_FLAG_CONFIG},
    {"schedule_lognames", STAND_FLAG_BOOL, "false", STAND_FLAG_CONFIG},
    {"schedule_splay_percent", STAND_FLAG_UINT64, "10", STAND_FLAG_CONFIG},
    {"table_delay", STAND_FLAG_UINT64, "0", STAND_FLAG_CONFIG},
    {"tls_hostname", STAND_FLAG_STRING, "", STAND_FLAG_CLI},
    {"tls_server_certs", STAND_FLAG_STRING, "", STAND_FLAG_CLI},
    {"verbose", STAND_FLAG_BOOL, "false", STAND_FLAG_CONFIG},
    {"watchdog_delay", STAND_FLAG_UINT64, "60", STAND_FLAG_CLI},
    {"watchdog_forced_shutdown_delay", STAND_FLAG_UINT64, "4", STAND_FLAG_CLI},
    {"watchdog_latency_limit", STAND_FLAG_UINT64, "0", STAND_FLAG_CLI},
    {"watchdog_level", STAND_FLAG_INT32, "0", STAND_FLAG_CLI},
    {"watchdog_max_delay", STAND_FLAG_UINT64, "600", STAND_FLAG_HIDDEN},
    {"watchdog_memory_limit", STAND_FLAG_UINT64, "0", STAND_FLAG_CLI},
    {"watchdog_utilization_limit", STAND_FLAG_UINT64, "0", STAND_FLAG_CLI},
    {"misbehave", STAND_FLAG_STRING, "", STAND_FLAG_OWN},
    {"watcher_interval_ms", STAND_FLAG_UINT64, "3000", STAND_FLAG_OWN},
    {"watcher_truth", STAND_FLAG_STRING, "", STAND_FLAG_OWN},
    {"schedule", STAND_FLAG_STRING, "", STAND_FLAG_OWN},
    {"distributed", STAND_FLAG_STRING, "", STAND_FLAG_OWN},
};

struct StandFlags {
  GHashTable *values;  /* name to value, of those that were given */
  const char *program; /* borrowed while parsing */
  StandReadFile read_file;
  gpointer user_data;
};

const char *
stand_flag_type_name(StandFlagType type)
{
  switch (type) {
  case STAND_FLAG_BOOL:
    return "bool";
  case STAND_FLAG_INT32:
    return "int32";
  case STAND_FLAG_UINT64:
    return "uint64";
  case STAND_FLAG_STRING:
    return "string";
  }
  g_assert_not_reached();
}

const StandFlag *
stand_flags_known(guint *n)
{
  *n = G_N_ELEMENTS(FLAGS);
  return FLAGS;
}

static const StandFlag *
find_flag(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(FLAGS); i++)
    if (strcmp(FLAGS[i].name, name) == 0)
      return &FLAGS[i];
  return NULL;
}

/* Returns: "true", "false", or NULL when @text is neither. */
static const char *
read_bool(const char *text)
{
  const char *const words[][5] = {{"1", "t", "true", "y", "yes"}, {"0", "f", "false", "n", "no"}};
  for (guint i = 0; i < G_N_ELEMENTS(words[0]); i++) {
    if (g_ascii_strcasecmp(text, words[0][i]) == 0)
      return "true";
    if (g_ascii_strcasecmp(text, words[1][i]) == 0)
      return "false";
  }
  return NULL;
}

/* Hexadecimal with 0x, else decimal: never octal. */
static int
number_base(const char *text)
{
  const char *digits = text + (*text == '-' ? 1 : 0);
  return digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
}

static gboolean
is_number(const char *text, StandFlagType type)
{
  int base = number_base(text);
  char *end = NULL;
  errno = 0;
  gboolean in_range = TRUE;
  if (type == STAND_FLAG_UINT64) {
    (void)strtoull(text, &end, base);
    in_range = *text != '-';
  } else {
    long long value = strtoll(text, &end, base);
    in_range = value >= G_MININT32 && value <= G_MAXINT32;
  }
  return end != text && *end == '\0' && errno == 0 && in_range;
}

static gboolean apply_flagfiles(StandFlags *flags, const char *paths, guint depth, GError **error);

static gboolean
set_flag(StandFlags *flags, const StandFlag *flag, const char *text, guint depth, GError **error)
{
  const char *value = flag->type == STAND_FLAG_BOOL ? read_bool(text) : text;
  gboolean numeric = flag->type == STAND_FLAG_INT32 || flag->type == STAND_FLAG_UINT64;
  if (value == NULL || (numeric && !is_number(text, flag->type))) {
    g_set_error(error, STAND_FLAGS_ERROR, 0, "ERROR: illegal value '%s' specified for %s flag '%s'",
                text, stand_flag_type_name(flag->type), flag->name);
    return FALSE;
  }
  if (strcmp(flag->name, "alarm_timeout") == 0 &&
      strtoull(value, NULL, number_base(value)) < ALARM_TIMEOUT_MIN) {
    g_set_error(error, STAND_FLAGS_ERROR, 0,
                "Alarm timeout cannot be lower than %d seconds\n"
                "ERROR: failed validation of new value '%s' for flag '%s'",
                ALARM_TIMEOUT_MIN, value, flag->name);
    return FALSE;
  }
  g_hash_table_replace(flags->values, g_strdup(flag->name), g_strdup(value));
  return strcmp(flag->name, "flagfile") != 0 || apply_flagfiles(flags, value, depth + 1, error);
}

/* Splits what follows the dashes. Returns: the flag, or NULL when there is none of that name.
 * @value: newly allocated, or NULL when none is given and the flag isn't boolean. @name: newly
 * allocated. */
static const StandFlag *
split_flag(const char *text, char **name, char **value)
{
  const char *equals = strchr(text, '=');
  *name = equals != NULL ? g_strndup(text, (gsize)(equals - text)) : g_strdup(text);
  *value = equals != NULL ? g_strdup(equals + 1) : NULL;
  g_strdelimit(*name, "-", '_');
  const StandFlag *flag = find_flag(*name);
  if (flag == NULL && g_str_has_prefix(*name, "no")) {
    flag = find_flag(*name + strlen("no"));
    if (flag == NULL || flag->type != STAND_FLAG_BOOL)
      return NULL;
    g_free(*value);
    *value = g_strdup("false");
  } else if (flag != NULL && flag->type == STAND_FLAG_BOOL && *value == NULL) {
    *value = g_strdup("true");
  }
  return flag;
}

static gboolean
names_program(const char *line, const char *program)
{
  g_auto(GStrv) globs = g_strsplit(line, " ", -1);
  g_autofree char *base = g_path_get_basename(program);
  for (char **glob = globs; *glob != NULL; glob++)
    if (fnmatch(*glob, program, FNM_PATHNAME) == 0 || fnmatch(*glob, base, FNM_PATHNAME) == 0)
      return TRUE;
  return FALSE;
}

/* A wrong value is fatal here too, but what is unknown or lacks its value is passed over. */
static gboolean
apply_flagfile(StandFlags *flags, const char *path, guint depth, GError **error)
{
  if (depth > FLAGFILE_DEPTH_MAX) {
    g_set_error(error, STAND_FLAGS_ERROR, 0, "%s: flagfiles are nested too deeply", path);
    return FALSE;
  }
  g_autoptr(GError) unreadable = NULL;
  g_autofree char *text = flags->read_file(path, flags->user_data, &unreadable);
  if (text == NULL) {
    g_set_error(error, STAND_FLAGS_ERROR, 0, "%s: %s", path, unreadable->message);
    return FALSE;
  }
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  gboolean relevant = TRUE, in_filter = FALSE;
  for (char **at = lines; *at != NULL; at++) {
    char *line = g_strchug(*at);
    if (g_str_has_suffix(line, "\r"))
      line[strlen(line) - 1] = '\0';
    if (*line == '\0' || *line == '#')
      continue;
    if (*line != '-') { /* a program-name filter for the flags below; adjacent ones add up */
      relevant = (in_filter && relevant) || names_program(line, flags->program);
      in_filter = TRUE;
      continue;
    }
    in_filter = FALSE;
    g_autofree char *name = NULL, *value = NULL;
    const StandFlag *flag = split_flag(line + (line[1] == '-' ? 2 : 1), &name, &value);
    if (relevant && flag != NULL && value != NULL && !set_flag(flags, flag, value, depth, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
apply_flagfiles(StandFlags *flags, const char *paths, guint depth, GError **error)
{
  g_auto(GStrv) list = g_strsplit(paths, ",", -1);
  for (char **path = list; *path != NULL; path++)
    if (**path != '\0' && !apply_flagfile(flags, *path, depth, error))
      return FALSE;
  return TRUE;
}

static gboolean
apply_argv(StandFlags *flags, const char *const *argv, GError **error)
{
  for (guint i = 1; argv[i] != NULL; i++) {
    const char *word = argv[i];
    if (word[0] != '-' || word[1] == '\0')
      continue; /* no flag: osqueryd takes no notice of it */
    if (strcmp(word, "--") == 0)
      break;
    g_autofree char *name = NULL, *value = NULL;
    const StandFlag *flag = split_flag(word + (word[1] == '-' ? 2 : 1), &name, &value);
    if (flag == NULL) {
      g_set_error(error, STAND_FLAGS_ERROR, 0, "ERROR: unknown command line flag '%s'", name);
      return FALSE;
    }
    const char *text = value;
    if (text == NULL)
      text = argv[i + 1] != NULL ? argv[++i] : NULL;
    if (text == NULL) {
      g_set_error(error, STAND_FLAGS_ERROR, 0, "ERROR: flag '%s' is missing its argument", name);
      return FALSE;
    }
    if (!set_flag(flags, flag, text, 0, error))
      return FALSE;
  }
  return TRUE;
}

StandFlags *
stand_flags_parse(const char *const *argv, const char *first_flagfile, StandReadFile read_file,
                  gpointer user_data, GError **error)
{
  g_autoptr(StandFlags) flags = g_new0(StandFlags, 1);
  flags->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  flags->program = argv[0];
  flags->read_file = read_file;
  flags->user_data = user_data;
  if (first_flagfile != NULL && !apply_flagfiles(flags, first_flagfile, 1, error))
    return NULL;
  return apply_argv(flags, argv, error) ? g_steal_pointer(&flags) : NULL;
}

void
stand_flags_free(StandFlags *flags)
{
  if (flags == NULL)
    return;
  g_hash_table_unref(flags->values);
  g_free(flags);
}

gboolean
stand_flags_is_set(const StandFlags *flags, const char *name)
{
  return g_hash_table_contains(flags->values, name);
}

const char *
stand_flags_text(const StandFlags *flags, const char *name)
{
  const char *value = g_hash_table_lookup(flags->values, name);
  return value != NULL ? value : find_flag(name)->default_value;
}

gboolean
stand_flags_bool(const StandFlags *flags, const char *name)
{
  return strcmp(stand_flags_text(flags, name), "true") == 0;
}

gint64
stand_flags_number(const StandFlags *flags, const char *name)
{
  const char *text = stand_flags_text(flags, name);
  return g_ascii_strtoll(text, NULL, (guint)number_base(text));
}
