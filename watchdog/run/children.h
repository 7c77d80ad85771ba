/* The processes that we started, and those that they left behind: their starts, their reports,
 * their ends, and what is ended with them. */
#pragma once

#include "watchdog/drive/driver.h"
#include "watchdog/run/child.h"

G_BEGIN_DECLS

typedef struct WdChildren WdChildren;

/* @list: of WdChild, in the machine's order, from WD_PROCESS_WORKER on; it may grow. @driver: is
 * fed with the events below. Both are borrowed. @orphans_are_ours: every orphan that becomes our
 * child descends from a process that we started, and is ended. Otherwise it may be anyone's, and is
 * only reaped. */
WdChildren *wd_children_new(const GPtrArray *list, WdDriver *driver, gboolean orphans_are_ours);
void wd_children_free(WdChildren *children);

/* Borrowed. */
WdChild *wd_children_at(const WdChildren *children, guint process);

/* Starts the process, and feeds the machine with whether that succeeded. */
void wd_children_start(WdChildren *children, guint process, WdRunRecord *record);

/* Sends @signo to the process; SIGKILL to its whole group. */
void wd_children_signal(const WdChildren *children, guint process, int signo);

/* Counts the process's page faults, if they can be counted. */
void wd_children_count_faults(const WdChildren *children, guint process);

/* WD_FAULT_SIGNAL came, from @signalled_fd: feeds the machine with the processes whose counter has
 * counted some. They aren't counted any more. */
void wd_children_faulted(const WdChildren *children, int signalled_fd);

/* Feeds the machine with the reports of the tables extension. */
void wd_children_hear(WdChildren *children);

/* From now on orphans among our descendants become our children. (To PID 1 of a container all
 * orphans come anyway.) Where that isn't permitted, logs it: such orphans aren't ended then. */
void wd_children_inherit_strays(void);

/* What the process has written that has @pid, or had it last; WD_NONE: whichever was the last.
 * @words: zero; filled in. */
void wd_children_recall(const WdChildren *children, guint process, gint64 pid, WdWords *words);

/* Looks for kills by the kernel. To be called regularly, so that an old kill isn't taken for a new
 * one. */
void wd_children_look_for_oom(WdChildren *children);

/* Some children may have died: reaps them and ends what they left behind, in this turn of the main
 * loop and the next ones. */
void wd_children_reap(WdChildren *children);

/* We are about to exit: ends what is left behind, if orphans are ours. Blocks until it is gone, at
 * most WD_REAP_WAIT_US. */
void wd_children_end_strays(WdChildren *children);

G_END_DECLS
