#include "watchdog/core/settings/osqueryd-flags.h"

#include "watchdog/core/settings/flag-warnings.h"
#include "watchdog/core/settings/runs-once.h"
#include "watchdog/core/settings/settings-error.h"

#include <string.h>

/* A socket's path has room for 107 bytes, and an extension's socket is the manager's with ".65535"
 * behind it. */
#define MAX_SOCKET_BYTES (107 - 6)

/* With osquery 5.23's types and defaults: core/watcher.cpp, core/init.cpp,
 * extensions/extensions.cpp, filesystem/filesystem.cpp, logger/logger.cpp, config/config.cpp,
 * dispatcher/scheduler.cpp, distributed/distributed.cpp, main/main.cpp,
 * plugins/logger/filesystem_logger.cpp; those from help on are gflags'. */
static const WdFlagSpec OSQUERYD[] = {
    /* the watcher's limits */
    {"watchdog_level", WD_FLAG_INT32, "0"},
    {"watchdog_memory_limit", WD_FLAG_UINT64, "0"},
    {"watchdog_utilization_limit", WD_FLAG_UINT64, "0"},
    {"watchdog_latency_limit", WD_FLAG_UINT64, "0"},
    {"watchdog_delay", WD_FLAG_UINT64, "60"},
    {"watchdog_max_delay", WD_FLAG_UINT64, "600"},
    {"watchdog_forced_shutdown_delay", WD_FLAG_UINT64, "4"},
    {"enable_extensions_watchdog", WD_FLAG_BOOL, "false"},
    {"disable_watchdog", WD_FLAG_BOOL, "false"},
    /* the rest */
    {"enable_watchdog_debug", WD_FLAG_BOOL, "false"},
    {"alarm_timeout", WD_FLAG_UINT64, "15"},
    {"disable_extensions", WD_FLAG_BOOL, "false"},
    {"extensions_socket", WD_FLAG_STRING, "/var/osquery/osquery.em"},
    {"extensions_autoload", WD_FLAG_STRING, "/etc/osquery/extensions.load"},
    {"extensions_timeout", WD_FLAG_STRING, "3"},
    {"extensions_interval", WD_FLAG_STRING, "3"},
    {"extensions_require", WD_FLAG_STRING, ""},
    {"allow_unsafe", WD_FLAG_BOOL, "false"},
    {"pidfile", WD_FLAG_STRING, "/var/run/osqueryd.pidfile"},
    {"force", WD_FLAG_BOOL, "false"},
    {"ephemeral", WD_FLAG_BOOL, "false"},
    {"verbose", WD_FLAG_BOOL, "false"},
    {"daemonize", WD_FLAG_BOOL, "false"},
    /* which queries it says that it executes, and where */
    {"schedule_lognames", WD_FLAG_BOOL, "false"},
    {"distributed_loginfo", WD_FLAG_BOOL, "false"},
    {"logger_plugin", WD_FLAG_STRING, "filesystem"},
    {"logger_stderr", WD_FLAG_BOOL, "true"},
    {"logger_min_stderr", WD_FLAG_INT32, "0"},
    {"logger_min_status", WD_FLAG_INT32, "0"},
    /* what is done once, without a watcher */
    {"config_check", WD_FLAG_BOOL, "false"},
    {"config_dump", WD_FLAG_BOOL, "false"},
    {"database_dump", WD_FLAG_BOOL, "false"},
    {"install", WD_FLAG_BOOL, "false"},
    {"uninstall", WD_FLAG_BOOL, "false"},
    {"help", WD_FLAG_BOOL, "false"},
    {"helpfull", WD_FLAG_BOOL, "false"},
    {"helpshort", WD_FLAG_BOOL, "false"},
    {"helppackage", WD_FLAG_BOOL, "false"},
    {"helpxml", WD_FLAG_BOOL, "false"},
    {"helpon", WD_FLAG_STRING, ""},
    {"helpmatch", WD_FLAG_STRING, ""},
    {"version", WD_FLAG_BOOL, "false"},
    {"tab_completion_word", WD_FLAG_STRING, ""},
    /* where flags come from */
    {"flagfile", WD_FLAG_STRING, ""},
    {"fromenv", WD_FLAG_STRING, ""},
    {"tryfromenv", WD_FLAG_STRING, ""},
    {"undefok", WD_FLAG_STRING, ""},
};

/* How many of them, from the first, are the watcher's limits. */
enum { N_LIMIT_FLAGS = 9 };

/* osquery hides this flag, so a worker's answer lacks it. */
static const char UNLISTED[] = "watchdog_max_delay";

static gint64
seconds_of(const WdFlags *flags, const char *name)
{
  return MIN(wd_flags_get(flags, name)->number, WD_LIMITS_MAX_S);
}

/* A text that osquery reads with atoi(). */
static gint64
take_lenient_seconds(WdSettings *settings, const WdFlags *flags, const char *name)
{
  const WdFlag *flag = wd_flags_get(flags, name);
  char *end;
  gint64 seconds = CLAMP(g_ascii_strtoll(flag->text, &end, 10), 0, WD_LIMITS_MAX_S);

  if (end == flag->text || *end != '\0')
    wd_settings_warn(settings->warnings,
                     "%s: --%s=%s: no whole number: osqueryd takes it for %" G_GINT64_FORMAT,
                     flag->source, name, flag->text, seconds);
  return seconds;
}

/* Needs the first N_LIMIT_FLAGS of the table, no others. */
static void
take_limits(WdLimits *limits, const WdFlags *flags, guint cpus)
{
  const WdLimitFlags chosen = {
      .level = wd_flags_get(flags, "watchdog_level")->number,
      .memory_limit_mb = wd_flags_get(flags, "watchdog_memory_limit")->number,
      .utilization_limit = wd_flags_get(flags, "watchdog_utilization_limit")->number,
      .latency_limit_s = wd_flags_get(flags, "watchdog_latency_limit")->number,
  };

  wd_limits_resolve(limits, &chosen);
  limits->enforce = !wd_flags_on(flags, "disable_watchdog");
  limits->enforce_extensions = wd_flags_on(flags, "enable_extensions_watchdog");
  limits->max_delay_s = seconds_of(flags, "watchdog_max_delay");
  limits->watchdog_delay_s = seconds_of(flags, "watchdog_delay");
  limits->forced_shutdown_delay_s = seconds_of(flags, "watchdog_forced_shutdown_delay");
  limits->cpus = MAX(cpus, 1);
}

gboolean
wd_limits_from_options(GHashTable *options, guint cpus, WdLimits *limits)
{
  g_autoptr(WdFlags) flags = wd_flags_new(OSQUERYD, N_LIMIT_FLAGS);

  for (gsize i = 0; i < flags->n_flags; i++) {
    WdFlag *flag = &flags->flags[i];
    const char *text = g_hash_table_lookup(options, flag->spec->name);
    if ((text == NULL || !wd_flag_value_parse(flag->spec->type, text, &flag->number)) &&
        !g_str_equal(flag->spec->name, UNLISTED))
      return FALSE;
  }
  *limits = (WdLimits){.memory_metric = WD_METRIC_GROWTH};
  take_limits(limits, flags, cpus);
  return TRUE;
}

/* Where the path is too long, osqueryd runs without its manager, or no extension can register. */
static gboolean
wants_manager(WdSettings *settings, const WdFlags *flags)
{
  const WdFlag *manager_socket = wd_flags_get(flags, "extensions_socket");

  if (wd_flags_on(flags, "disable_extensions"))
    return FALSE;
  if (strlen(manager_socket->text) <= MAX_SOCKET_BYTES)
    return TRUE;
  wd_settings_warn(
      settings->warnings,
      "%s: --extensions_socket=%s: longer than %d bytes, so no extension can register "
      "and none is started: a socket's path has room for 107, .65535 behind it included",
      manager_socket->source, manager_socket->text, MAX_SOCKET_BYTES);
  return FALSE;
}

static void
take(WdSettings *settings, const WdFlags *flags, guint cpus)
{
  const WdFlag *manager_socket = wd_flags_get(flags, "extensions_socket");
  const gint64 level = wd_flags_get(flags, "watchdog_level")->number;
  WdLimits *limits = &settings->limits;

  limits->manager = wants_manager(settings, flags);
  take_limits(limits, flags, cpus);
  settings->watchdog_level = level == -1 || level == 1 ? (int)level : 0;
  limits->stop_grace_s = MAX(seconds_of(flags, "alarm_timeout") - 4, 1);
  limits->extensions_interval_s = take_lenient_seconds(settings, flags, "extensions_interval");
  limits->extensions_timeout_s = take_lenient_seconds(settings, flags, "extensions_timeout");
  limits->debug = wd_flags_on(flags, "enable_watchdog_debug");
  settings->allow_unsafe = wd_flags_on(flags, "allow_unsafe");
  settings->verbose = wd_flags_on(flags, "verbose");
  settings->force = wd_flags_on(flags, "force");
  settings->daemonize = wd_flags_on(flags, "daemonize");
  settings->extensions_socket = g_strdup(manager_socket->text);
  settings->extensions_autoload = g_strdup(wd_flags_get(flags, "extensions_autoload")->text);
  settings->pidfile =
      wd_flags_on(flags, "ephemeral") ? NULL : g_strdup(wd_flags_get(flags, "pidfile")->text);

  wd_flag_warnings_add(settings, flags);
}

/* osquery/core/init.cpp looks for the text itself, before gflags has its turn. */
static const char *
default_flagfile(char *const *osqueryd_argv)
{
  for (gsize i = 1; osqueryd_argv[i] != NULL; i++) {
    if (g_str_has_prefix(osqueryd_argv[i], "--flagfile"))
      return NULL;
  }
  return WD_OSQUERYD_DEFAULT_FLAGFILE;
}

WdFlags *
wd_osqueryd_flags_take(WdSettings *settings, guint cpus, const WdSettingsIo *io, GError **error)
{
  char *const *argv = settings->osqueryd_argv;
  g_autoptr(WdFlags) flags =
      wd_flags_parse(OSQUERYD, G_N_ELEMENTS(OSQUERYD), (const char *const *)argv,
                     default_flagfile(argv), io, error);

  if (flags == NULL)
    return NULL;
  settings->runs_once = wd_runs_once_by_flags(flags);
  if (settings->runs_once == NULL)
    take(settings, flags, cpus);
  return g_steal_pointer(&flags);
}
