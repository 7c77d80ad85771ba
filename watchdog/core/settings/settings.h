/* Every setting of osquery-watchdogd; settings-parse.h finds them. */
#pragma once

#include "watchdog/core/event/setting.h"
#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

typedef enum {
  WD_COMMAND_RUN,
  WD_COMMAND_CHECK,
  WD_COMMAND_VERSION,
  WD_COMMAND_HELP,
} WdCommand;

typedef struct {
  WdCommand command;
  WdLimits limits;

  /* ours */
  char *state_dir;
  char *runtime_dir;
  char *tables_extension;  /* NULL: the one beside the program */
  gboolean tables;         /* FALSE: --notables */
  gboolean name_queries;   /* see query-names.h */
  gboolean capture_output; /* see listener.h */
  gint64 history_max;      /* rows */
  gint64 history_expiry_s;

  /* osqueryd's */
  char **osqueryd_argv; /* what the worker is started with; [0] is the program */
  char *runs_once;      /* why osqueryd needs no watchdog (runs-once.h); NULL: it is to be
                           supervised */
  gboolean understood;  /* FALSE: it runs once, or --check finds a fault in its flags: what follows
                           isn't set */
  int watchdog_level;   /* -1, 0, 1; what osqueryd takes for 0 is 0 */
  gboolean allow_unsafe;
  gboolean verbose;
  gboolean force;
  gboolean daemonize;
  char *extensions_socket;
  char *extensions_autoload;
  char *pidfile; /* NULL: none, as with --ephemeral */

  GPtrArray *origins;  /* of WdSetting, every setting once: ours first, then osqueryd's */
  GPtrArray *warnings; /* of char *: lines about settings that work, but hardly as meant */
  GPtrArray *faults;   /* of char *: lines about settings with which osqueryd refuses to start */
} WdSettings;

/* The setting called @name; NULL: none. */
const WdSetting *wd_settings_find(const WdSettings *settings, const char *name);

void wd_settings_free(WdSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSettings, wd_settings_free)

G_END_DECLS
