/* Which command lines of osqueryd need no watchdog: those with which osqueryd starts no watcher
 * either, because it is a shell, or does one thing and ends. osquery-watchdogd then executes
 * osqueryd as it is (osquery/core/init.cpp, gflags' HandleCommandLineHelpFlags()). */
#pragma once

#include "watchdog/core/settings/gflags.h"

G_BEGIN_DECLS

/* Whether the flag only says what to do once, so that it is no setting. */
gboolean wd_runs_once_flag(const char *name);

/* What osquery looks for in @osqueryd_argv itself, before gflags reads it: a word stands for itself
 * even where it is the value of a flag. Returns: the reason, newly allocated; NULL: there is none.
 */
char *wd_runs_once_by_words(char *const *osqueryd_argv);

/* The same, by osqueryd's flags, however they were given. */
char *wd_runs_once_by_flags(const WdFlags *flags);

G_END_DECLS
