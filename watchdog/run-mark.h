/* What the processes of a run start in their turn can outlive a crash of the watchdog: its children
 * get a signal from the kernel then, what these have started doesn't. All of them inherit the mark
 * of the run in their environment, a random one, so that whoever bears it comes from that run. */
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
