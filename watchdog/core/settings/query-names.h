/* Whether a worker says on its stderr which queries it executes (core/output/said.h), and the flags
 * that make it say so. Pure.
 *
 * --schedule_lognames and --distributed_loginfo name the scheduled and the distributed ones, at
 * level INFO; --verbose names both (osquery/dispatcher/scheduler.cpp,
 * osquery/distributed/distributed.cpp). Whether that level reaches stderr:
 * osquery/logger/logger.cpp (setVerboseLevel), plugins/logger/filesystem_logger.cpp and stdout.cpp
 * (init). */
#pragma once

#include "watchdog/core/settings/settings.h"

G_BEGIN_DECLS

/* Whether there is anything that --name_queries may add: it is on, and one of these flags isn't
 * set. */
gboolean wd_query_names_wanted(const WdSettings *settings);

/* The command line of osqueryd with the flags that --name_queries adds. One that is set, to
 * whatever value, stays as it is. They come first, because flags may end at a `--`.
 * @help: what that osqueryd's --help prints; any bytes; a flag that it doesn't list isn't added.
 * @unknown: gets the names (static) of those.
 * Returns: newly allocated. */
char **wd_query_names_argv(const WdSettings *settings, const char *help, GPtrArray *unknown);

/* Which queries will be named, and what to add for the others: a line for people, newly allocated.
 * Judges by the command line and the flagfiles only. @settings: understood. */
char *wd_query_names_describe(const WdSettings *settings);

/* Where a worker writes its own log, in which it says the same (plugins/logger/
 * filesystem_logger.cpp). @options: name to value, as a worker answers. Returns: an absolute path,
 * borrowed; NULL: nowhere. */
const char *wd_query_names_log_directory(GHashTable *options);

G_END_DECLS
