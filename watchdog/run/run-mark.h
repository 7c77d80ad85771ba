/* What the processes of a run start in their turn can outlive a crash of the watchdog: its children
 * get a signal from the kernel then, what these have started doesn't. It inherits the mark of the
 * run, a random one, in its environment, unless it was started with another environment or has
 * written over its own: that isn't found. Whoever can read the environment of one that bears the
 * mark (its user, root, a query of osquery's process_envs) can start others that bear it, too, and
 * so offer nobody but them to be ended. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_RUN_VARIABLE "OSQUERY_WATCHDOG_RUN"

/* Ends (SIGKILL) every process that has WD_RUN_VARIABLE=@mark in its environment, but nobody if
 * we have it ourselves: then one of them started us. To be called before the first thread starts,
 * for it forks: reading a process's environment can block on that process. First those of
 * our user, then the others. Blocks for at most 2 s; whom it hasn't reached by then it leaves, and
 * logs that. Returns: how many were ended. */
guint wd_run_mark_kill(const char *mark);

G_END_DECLS
