/* How long to wait before a process is started again, and when to give up. One WdRespawn a process.
 */
#pragma once

#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

/* A run this long proves that a process can start: its exits before are forgotten. */
#define WD_RESPAWN_GOOD_RUN_S 60

/* A run this long was within the limits: the terminations before it are forgiven. */
#define WD_RESPAWN_FORGIVE_RUN_S 600

/* All zero: a process that never failed. No count wraps. */
typedef struct {
  guint quick_exits; /* since the last good run */
  guint short_runs;  /* longer runs, below WD_RESPAWN_GOOD_RUN_S, since then */
  guint limit_kills; /* terminations for a limit since the last forgiving run */
} WdRespawn;

typedef struct {
  gint64 delay_us;  /* from now until the next start; also set when giving up */
  guint failures;   /* how many like this one led to it */
  gboolean give_up; /* over the respawn limit */
} WdRespawnDecision;

/* The process exited, or somebody else killed it. Not to be called for exits that aren't its fault:
 * those that we requested, and those of extensions whose worker is gone.
 *
 * Osquery's watcher starts processes at its checks, and sees at a check, every 3 s, how old one was
 * that is gone (osquery/core/watcher.cpp, createWorker). What it would find younger than
 * quick_exit_s then is a quick exit. After the n-th, the next start waits as long as it would have
 * it wait: 7, 9, 13, 21, … s at the normal level (wd_respawn_stock_delay_us()). After more than
 * respawn_limit of them the process is given up, and again after each further one. After another
 * run below WD_RESPAWN_GOOD_RUN_S it is started again at once, and from the third on when osquery's
 * watcher would find it gone. So no process comes back later than it would there. A longer run
 * resets the counts. A process that can't be started counts as a run of no length. */
WdRespawnDecision wd_respawn_exited(WdRespawn *respawn, gint64 lifetime_us, const WdLimits *limits);

/* We ended the process for a limit. The first two times it is started again at once; then after 5,
 * 10, 20, 40, 60, 60, … s, at most max_delay_s. Longer waits would leave the host unwatched. It is
 * never given up. Returns: the delay in µs. */
gint64 wd_respawn_terminated(WdRespawn *respawn, gint64 lifetime_us, const WdLimits *limits);

/* How long osquery's own watcher waits after the worker's @quick_exits-th quick exit
 * (osquery/core/watcher.cpp, createWorker): min(max_delay_s, respawn_delay_s + 2^quick_exits)
 * seconds. Returns: µs. */
gint64 wd_respawn_stock_delay_us(guint quick_exits, const WdLimits *limits);

G_END_DECLS
