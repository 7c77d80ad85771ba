/* Every setting, from our own options before `--` and from osqueryd's flags after it (gflags.h,
 * both), resolved purely: files and environment come through callbacks. */
#pragma once

#include "watchdog/core/settings/gflags.h"
#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

typedef enum {
  WD_COMMAND_RUN,
  WD_COMMAND_CHECK,
  WD_COMMAND_VERSION,
  WD_COMMAND_HELP,
} WdCommand;

/* One setting as --check shows it. */
typedef struct {
  char *name;
  char *value;
  char *source; /* as in WdFlag, or "level normal" */
} WdSettingOrigin;

typedef struct {
  WdCommand command;
  WdLimits limits;

  /* ours */
  char *state_dir;
  char *runtime_dir;
  char *tables_extension; /* NULL: to be found beside the program */
  gboolean tables;        /* FALSE: --notables */
  gint64 history_max;     /* rows */
  gint64 history_expiry_s;

  /* osqueryd's */
  char **osqueryd_argv; /* what the worker is started with, unchanged; [0] is the program */
  int watchdog_level;   /* -1, 0, 1; what osqueryd takes for 0 is 0 */
  gboolean disable_extensions;
  gboolean allow_unsafe;
  gboolean verbose;
  gboolean force;
  gboolean ephemeral;
  gboolean daemonize;
  char *extensions_socket;
  char *extensions_autoload;
  char *extensions_require;
  char *pidfile; /* NULL: none */
  gint64 alarm_timeout_s;

  GPtrArray *origins;  /* of WdSettingOrigin, every setting once: ours first, then osqueryd's */
  GPtrArray *warnings; /* of char *: lines about what works, but hardly as meant */
} WdSettings;

/* A flagfile that osqueryd applies when it is given none, if it can read it
 * (osquery/core/init.cpp). */
#define WD_DEFAULT_FLAGFILE "/etc/osquery/osquery.flags.default"

/* @argv: the program's whole command line, argv[0] included, NULL-terminated. What stands before
 * the first "--" is ours, what stands behind it is osqueryd and its flags.
 * @cpus: online CPUs.
 * With --version or --help, nothing else is read, and osqueryd_argv is NULL unless given.
 * Paths stay as they were given: a relative one is meant from the working directory.
 * Returns: the settings, or NULL with a one-line @error in WD_SETTINGS_ERROR that names the input
 * and what was expected. */
WdSettings *wd_settings_parse(const char *const *argv, guint cpus, const WdSettingsIo *io,
                              GError **error);
void wd_settings_free(WdSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSettings, wd_settings_free)

/* What --help prints: the usage, our options, their units and defaults. Static. */
const char *wd_settings_help(void);

G_END_DECLS
