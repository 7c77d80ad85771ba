/* Which processes our signals go to: those that we start, and those that they leave behind.
 *
 * We signal only numbers that no other process can have (look/handle.h): the pids of our children
 * that aren't reaped yet, and the process groups that these lead. What an earlier run left behind
 * is ended before we have any (leftovers.h, run-mark.h). Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The arguments of one kill(2). */
typedef struct {
  gint64 target; /* a pid; -N: all of process group N */
  int signo;
} WdKill;

/* Returns: an empty array of WdKill; free with g_array_unref(). */
GArray *wd_kills_new(void);

/* Each of these appends to @kills the signals to send at once, in order. */

/* Sends @signo to @pid, a supervised process that isn't reaped. SIGKILL goes to its whole group,
 * because a killed process can't end what it started. */
void wd_descendants_signal(gint64 pid, int signo, GArray *kills);

/* A child of ours is dead and will be reaped next. @supervised: we started it, as the leader of a
 * group; what is left of that group is killed. */
void wd_descendants_died(gint64 pid, gboolean supervised, GArray *kills);

/* Kills the strays: children that we did not start, but inherited as the subreaper, because the
 * process that started them is gone. @children: the pids of all our children. @known: those of them
 * that we started, or have signalled already, and haven't reaped. Both are arrays of gint64.
 *
 * Not to be called if we had children when we began, because their orphans come to us as well, nor
 * as PID 1, because all orphans do. */
void wd_descendants_strays(const GArray *children, const GArray *known, GArray *kills);

/* Whether @environment, as read from /proc/PID/environ, has the entry @mark ("NAME=VALUE"). */
gboolean wd_descendants_marked(const char *environment, gsize length, const char *mark);

G_END_DECLS
