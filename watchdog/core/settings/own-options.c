#include "watchdog/core/settings/own-options.h"

#include "watchdog/core/settings/defaults.h"
#include "watchdog/core/settings/settings-error.h"

#define MAX_HISTORY_ROWS 100000000
#define MAX_GRACE_PERCENT 1000

static const WdFlagSpec OWN[] = {
    {"state_dir", WD_FLAG_STRING, WD_DEFAULT_STATE_DIR},
    {"runtime_dir", WD_FLAG_STRING, WD_DEFAULT_RUNTIME_DIR},
    {"memory_metric", WD_FLAG_STRING, "growth"},
    {"dry_run", WD_FLAG_BOOL, "false"},
    {"grace_limit", WD_FLAG_UINT64, "200"},
    {"extension_give_up", WD_FLAG_STRING, "shutdown"},
    {"extension_registration_timeout", WD_FLAG_UINT64, "0"},
    {"unresponsive_timeout", WD_FLAG_UINT64, "0"},
    {"name_queries", WD_FLAG_BOOL, "false"},
    {"history_max", WD_FLAG_UINT64, G_STRINGIFY(WD_DEFAULT_HISTORY_MAX)},
    {"history_expiry", WD_FLAG_UINT64, G_STRINGIFY(WD_DEFAULT_HISTORY_EXPIRY_S)},
    {"tables_extension", WD_FLAG_STRING, ""},
    {"tables", WD_FLAG_BOOL, "true"},
    {"capture_output", WD_FLAG_BOOL, "true"},
    {"check", WD_FLAG_BOOL, "false"},
    {"version", WD_FLAG_BOOL, "false"},
    {"help", WD_FLAG_BOOL, "false"},
    {"flagfile", WD_FLAG_STRING, ""},
};

static gboolean
take_path(const WdFlags *flags, const char *name, char **path, GError **error)
{
  const WdFlag *flag = wd_flags_get(flags, name);

  if (*flag->text == '\0')
    return wd_flag_refuse(flag, "a path", error);
  *path = g_strdup(flag->text);
  return TRUE;
}

static gboolean
take_number(const WdFlags *flags, const char *name, gint64 least, gint64 most, gint64 *number,
            GError **error)
{
  const WdFlag *flag = wd_flags_get(flags, name);

  if (flag->number < least || flag->number > most) {
    g_autofree char *expected = g_strdup_printf(
        "a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, least, most);
    return wd_flag_refuse(flag, expected, error);
  }
  *number = flag->number;
  return TRUE;
}

/* Less than the limit itself makes no sense, and 0 means something else. */
static gboolean
take_grace_limit(const WdFlags *flags, gint64 *percent, GError **error)
{
  const WdFlag *flag = wd_flags_get(flags, "grace_limit");

  if (flag->number != 0 && (flag->number < 100 || flag->number > MAX_GRACE_PERCENT))
    return wd_flag_refuse(flag, "0 or a whole number from 100 to " G_STRINGIFY(MAX_GRACE_PERCENT),
                          error);
  *percent = flag->number;
  return TRUE;
}

/* @choice: the index in @words. */
static gboolean
take_choice(const WdFlags *flags, const char *name, const char *const *words, guint *choice,
            GError **error)
{
  const WdFlag *flag = wd_flags_get(flags, name);

  for (guint i = 0; words[i] != NULL; i++) {
    if (g_str_equal(flag->text, words[i])) {
      *choice = i;
      return TRUE;
    }
  }
  /* g_strjoinv() wants an array of text that may be changed. */
  g_autoptr(GString) expected = g_string_new(words[0]);
  for (guint i = 1; words[i] != NULL; i++)
    g_string_append_printf(expected, " or %s", words[i]);
  return wd_flag_refuse(flag, expected->str, error);
}

/* Ours must be right: what gflags ignores is refused. */
static gboolean
check_own(const WdFlags *flags, GError **error)
{
  if (flags->warnings->len > 0)
    return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE, "%s",
                            (const char *)g_ptr_array_index(flags->warnings, 0));
  if (flags->unknown->len > 0) {
    const WdUnknownFlag *unknown = g_ptr_array_index(flags->unknown, 0);
    return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE,
                            "%s: --%s: expected one of our options (see --help); osqueryd's flags "
                            "go behind -- OSQUERYD",
                            unknown->source, unknown->name);
  }
  if (flags->arguments->len > 0)
    return wd_settings_fail(error, WD_SETTINGS_ERROR_USAGE,
                            "argv: %s: expected an option; osqueryd and its flags go behind --",
                            (const char *)g_ptr_array_index(flags->arguments, 0));
  return TRUE;
}

static gboolean
take(WdSettings *settings, const WdFlags *flags, GError **error)
{
  static const char *const metrics[] = {
      [WD_METRIC_GROWTH] = "growth",
      [WD_METRIC_RESIDENT] = "resident",
      [WD_METRIC_PRIVATE] = "private",
      NULL,
  };
  static const char *const give_ups[] = {
      [WD_GIVE_UP_SHUTDOWN] = "shutdown",
      [WD_GIVE_UP_ABANDON] = "abandon",
      NULL,
  };
  guint metric;
  guint give_up;

  if (!check_own(flags, error) || !take_path(flags, "state_dir", &settings->state_dir, error) ||
      !take_path(flags, "runtime_dir", &settings->runtime_dir, error) ||
      !take_number(flags, "history_max", 1, MAX_HISTORY_ROWS, &settings->history_max, error) ||
      !take_number(flags, "history_expiry", 1, WD_LIMITS_MAX_S, &settings->history_expiry_s,
                   error) ||
      !take_number(flags, "extension_registration_timeout", 0, WD_LIMITS_MAX_S,
                   &settings->limits.extension_registration_timeout_s, error) ||
      !take_grace_limit(flags, &settings->limits.grace_limit_percent, error) ||
      !take_number(flags, "unresponsive_timeout", 0, WD_LIMITS_MAX_S,
                   &settings->limits.unresponsive_timeout_s, error) ||
      !take_choice(flags, "memory_metric", metrics, &metric, error) ||
      !take_choice(flags, "extension_give_up", give_ups, &give_up, error))
    return FALSE;

  const WdFlag *tables_extension = wd_flags_get(flags, "tables_extension");
  if (*tables_extension->text != '\0')
    settings->tables_extension = g_strdup(tables_extension->text);
  settings->tables = wd_flags_on(flags, "tables");
  settings->name_queries = wd_flags_on(flags, "name_queries");
  settings->capture_output = wd_flags_on(flags, "capture_output");
  settings->limits.memory_metric = (WdMemoryMetric)metric;
  settings->limits.extension_give_up = (WdGiveUp)give_up;
  settings->limits.dry_run = wd_flags_on(flags, "dry_run");
  settings->command = wd_flags_on(flags, "help")      ? WD_COMMAND_HELP
                      : wd_flags_on(flags, "version") ? WD_COMMAND_VERSION
                      : wd_flags_on(flags, "check")   ? WD_COMMAND_CHECK
                                                      : WD_COMMAND_RUN;
  return TRUE;
}

WdFlags *
wd_own_options_take(WdSettings *settings, const char *const *argv, const WdSettingsIo *io,
                    GError **error)
{
  g_autoptr(WdFlags) flags = wd_flags_parse(OWN, G_N_ELEMENTS(OWN), argv, NULL, io, error);

  if (flags == NULL || !take(settings, flags, error))
    return NULL;
  return g_steal_pointer(&flags);
}

#define ROWS G_STRINGIFY(WD_DEFAULT_HISTORY_MAX)
#define SECONDS G_STRINGIFY(WD_DEFAULT_HISTORY_EXPIRY_S)

const char *
wd_own_options_help(void)
{
  return "Usage: osquery-watchdogd [OPTION…] -- OSQUERYD [OSQUERYD FLAG…]\n"
         "\n"
         "Supervises osqueryd and its extensions in place of osquery's own watchdog.\n"
         "The limits are osqueryd's own flags, from its command line and its flagfile:\n"
         "--watchdog_level, --watchdog_memory_limit and the like.\n"
         "\n"
         "Options:\n"
         "  --state_dir=DIR              where history.db is kept\n"
         "                               (" WD_DEFAULT_STATE_DIR ")\n"
         "  --runtime_dir=DIR            where status.db is kept\n"
         "                               (" WD_DEFAULT_RUNTIME_DIR ")\n"
         "  --memory_metric=METRIC       what the memory limit is applied to (growth)\n"
         "                                 growth: resident size since the start, as osquery does\n"
         "                                 resident: resident size\n"
         "                                 private: anonymous memory and swap\n"
         "  --dry_run                    record what would be ended, end nothing (false)\n"
         "  --grace_limit=PERCENT        of the memory limit: what grows past it while it is "
         "being\n"
         "                               ended is killed at once (200; 0: never)\n"
         "  --extension_give_up=WHAT     when an extension exits too often (shutdown)\n"
         "                                 shutdown: stop everything\n"
         "                                 abandon: stop only this extension, try again rarely\n"
         "  --extension_registration_timeout=SECONDS\n"
         "                               restart an extension that lives but is not registered "
         "with\n"
         "                               osquery for longer (0: never)\n"
         "  --unresponsive_timeout=SECONDS\n"
         "                               end a worker or an extension that stops answering for "
         "longer\n"
         "                               (0: never)\n"
         "  --name_queries               make osqueryd log which queries it executes, so that the\n"
         "                               one that was running is recorded (false)\n"
         "  --history_max=ROWS           how many events are kept (" ROWS ")\n"
         "  --history_expiry=SECONDS     how long events are kept (" SECONDS ": 30 days)\n"
         "  --tables_extension=PATH      the extension that serves the tables\n"
         "                               (osquery-watchdog.ext, beside this program)\n"
         "  --notables                   do not start that extension\n"
         "  --nocapture_output           give osqueryd and its extensions this program's stderr, "
         "and\n"
         "                               keep no last lines\n"
         "  --flagfile=PATH              read options from a file, one a line\n"
         "  --check                      print the effective settings, their sources, what is\n"
         "                               wrong with them, and a verdict\n"
         "  --version                    print the version\n"
         "  --help                       print this\n";
}
