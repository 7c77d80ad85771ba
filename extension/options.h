/* The command line of osquery-watchdog.ext, in gflags' syntax as osquery uses it for extensions. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  char *socket; /* of the extension manager */
  gint64 timeout_us;
  gint64 interval_us;
  gboolean verbose;
  char *state_dir;
  char *runtime_dir;
  gboolean supervised; /* osquery-watchdogd started us: it ends us, a core that goes does not */
} ExtOptions;

typedef enum {
  EXT_OPTIONS_RUN,
  EXT_OPTIONS_HELP,
  EXT_OPTIONS_VERSION,
  EXT_OPTIONS_WRONG, /* bad usage; @error is one line that names the argument */
} ExtOptionsResult;

/* The variables of the environment that count; NULL where unset. */
typedef struct {
  const char *state_dir;   /* OSQUERY_WATCHDOG_STATE_DIR */
  const char *runtime_dir; /* OSQUERY_WATCHDOG_RUNTIME_DIR: its presence tells who started us */
} ExtEnvironment;

/* Understands --name=value, --name value and their forms with one dash, dashes for underscores, and
 * --verbose, --noverbose, --verbose=false; the last one wins. @argv: with the program's name, ended
 * by NULL.
 * @options: to be cleared in any case. */
ExtOptionsResult ext_options_parse(const char *const *argv, const ExtEnvironment *environment,
                                   ExtOptions *options, GError **error);
void ext_options_clear(ExtOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExtOptions, ext_options_clear)

/* For --help. Static. */
const char *ext_options_help(void);

G_END_DECLS
