/* Every setting, from our own options before `--` and from osqueryd's flags after it, resolved
 * purely: files are read through a callback. */
#pragma once

#include "watchdog/core/limits.h"

G_BEGIN_DECLS

#define WD_SETTINGS_ERROR wd_settings_error_quark()
GQuark wd_settings_error_quark(void);

typedef enum {
  WD_SETTINGS_ERROR_USAGE, /* the command line is wrong: exit 2 */
  WD_SETTINGS_ERROR_FILE,  /* a flagfile can't be used: exit 1 */
} WdSettingsError;

/* Reads a whole file. Returns: its text, newly allocated, NUL-terminated; or NULL with @error. */
typedef char *(*WdReadFile)(const char *path, gpointer user_data, GError **error);

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
  char *source; /* "argv", "PATH:LINE", "level normal", "default" … */
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
  int watchdog_level;   /* -1, 0, 1 */
  gboolean disable_extensions;
  gboolean allow_unsafe;
  gboolean verbose;
  gboolean watchdog_debug;
  gboolean force;
  gboolean ephemeral;
  gboolean daemonize;
  char *extensions_socket;
  char *extensions_autoload;
  char *extensions_require;
  char *pidfile; /* NULL: none */
  gint64 alarm_timeout_s;

  GPtrArray *origins; /* of WdSettingOrigin, every setting once */
} WdSettings;

/* @argv: the program's whole command line, argv[0] included, NULL-terminated.
 * @cpus: online CPUs.
 * Returns: the settings, or NULL with a one-line @error that names the input and what was expected.
 */
WdSettings *wd_settings_parse(const char *const *argv, guint cpus, WdReadFile read_file,
                              gpointer user_data, GError **error);
void wd_settings_free(WdSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSettings, wd_settings_free)

G_END_DECLS
