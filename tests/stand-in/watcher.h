/* osqueryd's own watcher: what a stock osqueryd is while it starts, measures, ends and restarts a
 * worker and its extensions (osquery/core/watcher.cpp). One thread, polling. */
#pragma once

#include <glib.h>

#include "tests/stand-in/flags.h"

G_BEGIN_DECLS

/* @argv: the program's own, which the worker gets too. Writes what it does to the file that
 * --watcher_truth names, a JSON object a line, so that who observes it can be compared with it.
 * Returns: the exit code. */
int stand_watcher_run(const StandFlags *flags, char **argv);

G_END_DECLS
