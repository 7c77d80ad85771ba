/* The command line of osquery-watchdog.ext, in gflags' syntax as osquery uses it for extensions. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What started us, which also decides when we end. */
typedef enum {
  EXT_STARTED_BY_HAND,
  EXT_STARTED_BY_OSQUERY,  /* by a watcher, which outlives its core, or by a core itself */
  EXT_STARTED_BY_WATCHDOG, /* osquery-watchdogd */
} ExtStarter;

/* Whether to observe osqueryd's own watcher and write the store, or only to read it. */
typedef enum {
  EXT_OBSERVE_IF_STOCK, /* if osqueryd's own watcher started us, or started the core */
  EXT_OBSERVE_ALWAYS,   /* even if the watcher isn't called osqueryd */
  EXT_OBSERVE_NEVER,
} ExtObserve;

typedef struct {
  char *socket; /* of the extension manager */
  gint64 timeout_us;
  gint64 interval_us;
  gboolean verbose;
  char *state_dir;
  char *runtime_dir;
  ExtStarter starter;
  ExtObserve observe;
  char *report_fd; /* as the environment has it, or NULL */
} ExtOptions;

typedef enum {
  EXT_OPTIONS_RUN,
  EXT_OPTIONS_HELP,
  EXT_OPTIONS_VERSION,
  EXT_OPTIONS_WRONG, /* bad usage; @error is one line that names the argument */
} ExtOptionsResult;

/* The environment; NULL where unset. */
typedef struct {
  const char *state_dir;   /* WD_STATE_DIR_VARIABLE */
  const char *runtime_dir; /* WD_RUNTIME_DIR_VARIABLE: set if osquery-watchdogd started us */
  const char *report_fd;   /* WD_REPORT_FD_VARIABLE: where osquery-watchdogd reads our reports */
  const char *extension;   /* OSQUERY_EXTENSION: our pid, if osquery started us */
  gint64 pid;              /* ours */
} ExtEnvironment;

/* flag-word.h says how flags are written; the last one wins. A word that is no flag is refused, as
 * is a value for --noverbose or --noobserve.
 * @argv: with the program's name, ended by NULL. @options: clear them in any case. */
ExtOptionsResult ext_options_parse(const char *const *argv, const ExtEnvironment *environment,
                                   ExtOptions *options, GError **error);
void ext_options_clear(ExtOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExtOptions, ext_options_clear)

/* For --help. Static. */
const char *ext_options_help(void);

G_END_DECLS
