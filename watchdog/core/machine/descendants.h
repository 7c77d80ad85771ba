/* Whom our signals go to: the processes that we start, and what these leave behind.
 *
 * Only numbers that nobody else can have are signalled (look/handle.h): the pids of children of
 * ours that aren't reaped yet, and of the groups that these lead. What an earlier run left behind
 * is ended before there are any (leftovers.h, run-mark.h). Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What kill(2) is to be called with. */
typedef struct {
  gint64 target; /* a pid; -N: all of process group N */
  int signo;
} WdKill;

/* Returns: an empty array of WdKill; free with g_array_unref(). */
GArray *wd_kills_new(void);

/* Each of these appends to @kills what is to be done at once, in this order. */

/* @signo is due to @pid, a supervised process that isn't reaped: SIGKILL is for what it started,
 * too, for it has no chance any more to end that itself. */
void wd_descendants_signal(gint64 pid, int signo, GArray *kills);

/* A child of ours is dead and will be reaped next. @supervised: we started it, as the leader of a
 * group, what is left of which goes with it. */
void wd_descendants_died(gint64 pid, gboolean supervised, GArray *kills);

/* @children: the pids of all children of ours; @known: of those that we started, or have
 * signalled already, and haven't reaped. Both are arrays of gint64. The others we inherited, as the
 * subreaper, from a descendant that is gone: left behind. That is so only if we had no children
 * when we began, whose orphans would come to us as well, and aren't PID 1, whom all orphans come
 * to: else not to be called. */
void wd_descendants_strays(const GArray *children, const GArray *known, GArray *kills);

/* Whether @environment, as in /proc/PID/environ, has the entry @mark ("NAME=VALUE"). */
gboolean wd_descendants_marked(const char *environment, gsize length, const char *mark);

G_END_DECLS
