/* The processes that we started, and those that they left behind: how they begin, what they tell,
 * how they end, and who goes with them. */
#pragma once

#include "watchdog/drive/driver.h"
#include "watchdog/run/child.h"

G_BEGIN_DECLS

typedef struct WdChildren WdChildren;

/* @list: of WdChild, in the machine's order, from WD_PROCESS_WORKER on; it may grow. @driver: is
 * fed with what happens. Both are borrowed. @orphans_are_ours: whatever orphan becomes our child
 * comes from one that we started, and is ended; if not, it may be anyone's, and is only reaped. */
WdChildren *wd_children_new(const GPtrArray *list, WdDriver *driver, gboolean orphans_are_ours);
void wd_children_free(WdChildren *children);

/* Borrowed. */
WdChild *wd_children_at(const WdChildren *children, guint process);

/* Starts the process, and feeds the machine with what becomes of that. */
void wd_children_start(WdChildren *children, guint process, const WdRunRecord *record);

/* Sends @signo to the process; SIGKILL to its whole group. */
void wd_children_signal(const WdChildren *children, guint process, int signo);

/* Feeds the machine with what the tables extension has reported. */
void wd_children_hear(WdChildren *children);

/* From now on orphans among our descendants become our children. As PID 1 of a container all others
 * do anyway. */
gboolean wd_children_inherit_strays(GError **error);

/* Looks for kills by the kernel; to be called regularly, so that an old one isn't taken for new. */
void wd_children_look_for_oom(WdChildren *children);

/* Some children may have died: reaps them, and ends what they left behind, in this turn of the loop
 * and those that follow. */
void wd_children_reap(WdChildren *children);

/* Nothing is supervised any more: ends what is left behind, where orphans are ours. Blocks until it
 * is gone, at most WD_REAP_WAIT_US. */
void wd_children_end_strays(WdChildren *children);

G_END_DECLS
