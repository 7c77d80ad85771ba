/* Says of each step of the observing machine whether it was right: it is told each input before the
 * step, each action, and the end of the step; and it knows the truth (world.h).
 *   oracle.c                inputs, and what must follow from them
 *   oracle-actions.c        actions, and how they are said to be known
 *   oracle-ends.c           ends, and the limits that led to them
 *   oracle-watcher.c        the watcher's back-off, its giving up, its end
 *   oracle-rows.c           the rows, and whether time goes on
 *
 * What the machine infers can be wrong, since others may do what the watcher does. So much is
 * demanded of it:
 *   limit_exceeded      the process was over that limit, by the truth. Memory: it grew by more than
 *                       the limit since its birth. CPU: it used more than the limit on average over
 *                       the shortest time in which the machine can have counted enough strikes:
 *                       3 s each, but the last 1 s; 2 ms a strike are lost in rounding.
 *   process_terminated  after a limit_exceeded of that process; reported gone at most 3 s, the
 *                       forced shutdown delay and 2 s after the last look that can have shown it
 *                       over its limit; in a way in which a termination may end, or not known how.
 *   process_terminated  for the watcher's stop (reason request): when the run is closed, of
 * whatever lives, or ended within the time in which an end is held. process_exited      for the
 * worker's end: within 10 s of it, or within the time in which an end is held before it.
 *   respawn_delayed     after a worker that really ended too quickly.
 * In a clear run, in which nothing is late, lost, or hidden, it must also recognize
 *   the end of a process that was over its limit for long enough to be seen by any looks;
 *   a stop, and all ends by it;
 *   the watcher's back-off, where that is longer than its check interval, and its giving up.
 */
#pragma once

#include "tests/simulation/observe/machine-under-test.h"
#include "tests/simulation/observe/world.h"
#include "tests/simulation/pings.h"

/* What the machine has been told of one life, and has said. */
typedef struct {
  const ObsLife *life;
  gboolean found;
  gboolean gone;
  gboolean how_known;
  WdRole role; /* as it looked */
  const char *name;
  const char *path;
  gint64 started_us; /* to a clock tick */
  guint index;       /* in the machine */
  gint64 looked_us;  /* the last sample */
  gint64 gone_us;    /* when its end was reported */
  guint64 end_seq;   /* 0: not recorded yet */
  guint64 limit_seq; /* of the last limit_exceeded; 0: none */
  gint64 limit_us;
  WdReason limit_reason;
  gint64 measured;
  gboolean stopped;  /* its end is recorded as the watcher's, which stops */
  gint64 registered; /* WD_NONE: nothing was reported */
  gint64 uuid;
  SimPings pings;
} ObsView;

/* One index of the machine's. */
typedef struct {
  const char *name;
  const char *path; /* NULL: not known yet */
  guint place;      /* of the first life that had it */
  ObsView *present; /* NULL: it doesn't run, as far as the machine was told */
  gint64 starts;
  gint64 terminations;
  gint64 code;
  gint64 signal;
  guint64 last_seq;
} ObsSlot;

#define OBS_SLOTS_MAX 64
#define OBS_EXPECTED_MAX 32

typedef enum {
  OBS_INPUT_BEGIN,
  OBS_INPUT_FOUND,
  OBS_INPUT_GONE,
  OBS_INPUT_LIMITS,
  OBS_INPUT_TICK,
  OBS_INPUT_REPORT,
  OBS_INPUT_STORE,
  OBS_INPUT_STOP,
} ObsInput;

/* An event that must be recorded in this step. Ends may come later: obs_oracle_check_held(). */
typedef struct {
  WdEventKind kind;
  ObsView *view;
  WdReason reason;
  const ObsView *cause; /* whose end is the cause; NULL: there is none */
} ObsExpected;

typedef struct {
  ObsLog *log;
  const ObsWorld *world;
  gboolean clear; /* the run: nothing is late, lost, or hidden */
  ObsView *views; /* OBS_LIVES_MAX, by number */
  ObsSlot slots[OBS_SLOTS_MAX];
  guint slot_count;
  ObsExpected expected[OBS_EXPECTED_MAX];
  guint expected_count;

  gint64 began_us;
  gint64 now_us;
  ObsInput input;
  ObsView *ending; /* whose end the present input is; NULL: another input */
  guint64 last_seq;
  guint overdue_ticks; /* in a row, after which another one was due at once */
  gboolean limits_known;
  gboolean closed;
  gboolean stopped;     /* the machine has said that the watcher stops */
  ObsView *worker;      /* the last one that was found */
  ObsView *worker_gone; /* the last one whose end was reported; NULL: none */
  gint64 worker_gone_us;
  WdReason worker_gone_reason;
  gboolean delayed;      /* respawn_delayed was recorded after that */
  gint64 delay_s;        /* by a respawn_delayed of this step; WD_NONE: none */
  gboolean counts_exact; /* the watcher's count of quick exits can be known */
  guint64 give_up_seq;   /* 0: not recorded */
  gint64 quick_exits;    /* as the worker's row shows them */
} ObsOracle;

/* Free with obs_oracle_clear(). */
void obs_oracle_init(ObsOracle *oracle, ObsLog *log, const ObsWorld *world, gboolean clear,
                     gint64 now_us);
void obs_oracle_clear(ObsOracle *oracle);

/* --- before the step --- */

void obs_oracle_found(ObsOracle *oracle, const ObsLife *life, const WdFound *found, gint64 now_us);
void obs_oracle_gone(ObsOracle *oracle, const ObsLife *life, gboolean how_known, gint64 now_us);
void obs_oracle_reported(ObsOracle *oracle, const WdReport *report, gint64 now_us);
void obs_oracle_stopped(ObsOracle *oracle, gint64 now_us);
/* @kind: of the event that must follow. */
void obs_oracle_store(ObsOracle *oracle, WdEventKind kind, gint64 now_us);
/* Of a tick: for each sample, then the tick. */
void obs_oracle_sampled(ObsOracle *oracle, guint index, gint64 now_us);
void obs_oracle_other(ObsOracle *oracle, ObsInput input, gint64 now_us);

/* --- for each action, in order --- */

void obs_oracle_action(ObsOracle *oracle, const WdAction *action);

/* --- after the step --- */

/* @changed: there were actions. */
void obs_oracle_settled(ObsOracle *oracle, const ObsMachine *machine, gboolean changed);

/* --- between its parts --- */

static inline gboolean
obs_view_lives(const ObsView *view)
{
  return view->found && !view->gone;
}

/* Takes it off the list. NULL: it is not expected. */
const ObsExpected *obs_oracle_take(ObsOracle *oracle, WdEventKind kind, const ObsView *view,
                                   ObsExpected *taken);

void obs_oracle_exceeded(ObsOracle *oracle, ObsView *view, const WdEvent *event);
void obs_oracle_exited(ObsOracle *oracle, ObsView *view, const WdEvent *event);
void obs_oracle_terminated(ObsOracle *oracle, ObsView *view, const WdEvent *event);
/* No end stays unrecorded for longer than it may be held. */
void obs_oracle_check_held(const ObsOracle *oracle, const ObsMachine *machine);
/* The watcher was seen to end by itself, in a clear run: what it ended just before is recorded so.
 */
void obs_oracle_check_stop(const ObsOracle *oracle);
/* The registration of @view is gone for @reason: that must follow in this step. */
void obs_oracle_unregister(ObsOracle *oracle, ObsView *view, WdReason reason, const ObsView *cause);
void obs_oracle_delayed(ObsOracle *oracle, const WdEvent *event);
void obs_oracle_gave_up(ObsOracle *oracle, const WdEvent *event);
void obs_oracle_run_closed(ObsOracle *oracle, const WdEvent *event);
/* Another worker is found: whether the watcher held it back is known. */
void obs_oracle_worker_returned(const ObsOracle *oracle);
void obs_oracle_check_rows(ObsOracle *oracle, const ObsMachine *machine);
void obs_oracle_check_progress(ObsOracle *oracle, const ObsMachine *machine);
