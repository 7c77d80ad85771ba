/* Finds what the children of a crashed watchdog have started. The kernel sends the children a
 * signal when the watchdog dies, but not their own children.
 *
 * All of them inherit the run's mark, a random one, in their environment. A process that is started
 * with another environment, or that has written over its own, isn't found. Whoever can read the
 * environment of a marked process (its user, root, a query of osquery's process_envs) can start
 * more processes with the mark, but has no others ended by that. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WD_RUN_VARIABLE "OSQUERY_WATCHDOG_RUN"

/* Kills every process that has WD_RUN_VARIABLE=@mark in its environment: first those of our user,
 * then the others. If we have it ourselves, one of them started us, and none is killed.
 *
 * Reading a process's environment can block on that process, so this forks, and must be called
 * before the first thread starts. Blocks for at most 2 s. Processes that aren't reached by then are
 * left running, and that is logged. Returns: how many were killed. */
guint wd_run_mark_kill(const char *mark);

G_END_DECLS
