/* The life of one supervised process: waiting → running → (terminating → killing → stuck) → gone;
 * and what there is to know of one that is only observed: waiting → running → gone.
 *
 *   lifecycle.c         starts, checks, and what comes after a process is gone
 *   lifecycle-ending.c  over a limit, signals, stages of a termination
 *
 * Part of the supervisor (supervisor.h), which alone knows of the other processes and of stopping
 * everything, and of the observer (observe.h); nothing else includes this. */
#pragma once

#include "watchdog/core/event/process-status.h"
#include "watchdog/core/machine/action.h"
#include "watchdog/core/machine/meter.h"
#include "watchdog/core/machine/report.h"
#include "watchdog/core/machine/respawn.h"
#include "watchdog/core/machine/supervisor.h"
#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

/* What every decision of one step shares. */
typedef struct {
  const WdLimits *limits;
  gboolean stopping; /* nothing is started again */
  gint64 now_us;
  guint64 *last_seq; /* of the newest event of this run */
  GArray *actions;
} WdStep;

/* A limit exceeded, as measured. */
typedef struct {
  WdVerdict verdict;
  double utilization;
  gint64 utilization_limit;
  gint64 sustained_s;
} WdBreach;

/* A termination under way, or the request to stop. */
typedef struct {
  WdReason reason;
  WdBreach breach;   /* what was measured against what; for a limit */
  guint64 cause_seq; /* the limit_exceeded; 0: not for a limit */
  gint64 grace_us;   /* SIGTERM → SIGKILL */
  WdSignals sent;    /* none while the first signal waits for the store */
  gint64 first_signal_us;
  gint64 next_us; /* when the next stage is due */
} WdEnding;

/* What the tables extension reported of a process (presence.h); WD_NONE where it has not. */
typedef struct {
  gint64 registered; /* TRUE, FALSE; as uuid: of an extension */
  gint64 uuid;
  gint64 responsive;
  gint64 missing_since_us;   /* reported to live unregistered */
  guint64 missing_seq;       /* the event that tells since when; 0: it never was registered */
  gboolean missing_recorded; /* dry run: once per episode */
  char version[WD_REPORTED_VERSION_MAX + 1]; /* "": not known */
} WdPresence;

typedef struct {
  guint index;
  WdRole role;
  char *name;
  char *path;
  gboolean indispensable; /* never given up */
  gboolean wanted;        /* FALSE: taken off the list since; ended, and not started again */

  WdState state;
  gboolean spawning; /* asked for; the answer is not here yet */
  gint64 pid;
  gint64 start_ticks;
  gint64 started_us; /* of the present process, else of the one before; WD_NONE: none yet */
  gint64 next_start_us;
  WdEnding ending;          /* of the present process; zero unless it is being ended */
  gboolean breach_recorded; /* dry run: once per episode */

  WdPresence presence;

  WdMeter meter;
  WdSample sample; /* the last one; valid when last_check_us is not WD_NONE */
  gint64 last_check_us;
  gint64 next_memory_look_us;

  WdRespawn respawn;
  WdRespawn respawn_before_exit; /* to take an exit back that turns out to be the worker's doing */
  gint64 unprovoked_exit_us;     /* WD_NONE: none, or something else went wrong since then */
  gint64 last_exit_code;
  gint64 last_exit_signal;
  gint64 starts;
  gint64 terminations;
  guint64 gone_seq; /* the event of its last going */
  guint64 last_seq;
} WdProcess;

void wd_process_init(WdProcess *process, guint index, WdRole role, const char *name,
                     const char *path);
void wd_process_clear(WdProcess *process);

/* Whether there is a process with this pid that is not reaped yet. */
gboolean wd_process_alive(const WdProcess *process);

/* A new event about @process, with its pid. */
WdEvent *wd_process_event(const WdProcess *process, WdEventKind kind, WdReason reason);

/* Gives @event (taken) its seq and its message and appends it to the actions. Returns: the seq. */
guint64 wd_process_record(WdStep *step, WdProcess *process, WdEvent *event, gboolean acknowledge);

/* Another process is to be known by this: nothing of the one before holds any more. */
void wd_process_begin(WdProcess *process, gint64 pid, gint64 start_ticks, gint64 started_us);

/* An event about a limit exceeded, with all that was measured. */
WdEvent *wd_process_breach_event(const WdStep *step, const WdProcess *process, WdEventKind kind,
                                 const WdBreach *breach);

gint64 wd_process_lifetime_ms(const WdStep *step, const WdProcess *process);

void wd_process_start(WdStep *step, WdProcess *process);
void wd_process_spawned(WdStep *step, WdProcess *process, gint64 pid, gint64 start_ticks);

/* Over a limit: records limit_exceeded; the signals follow once it is stored, or was given its
 * time. */
void wd_process_end_for_limit(WdStep *step, WdProcess *process, const WdBreach *breach);

/* Over a limit, but only to be recorded (--dry_run): once per episode. */
void wd_process_record_breach(WdStep *step, WdProcess *process, const WdBreach *breach);

/* The watchdog itself over a limit. */
void wd_process_record_unhealthy(WdStep *step, WdProcess *process, const WdBreach *breach);

/* Takes in a sample. Returns: TRUE with @breach when it shows the process over a limit. */
gboolean wd_process_measure(WdStep *step, WdProcess *process, const WdSample *sample,
                            gboolean regular, WdBreach *breach);

/* Ends what runs with SIGTERM and, after @grace_us, SIGKILL; gives up what waits. One that is being
 * spawned is the caller's to end when it has been. @reason: request, or settings. */
void wd_process_end(WdStep *step, WdProcess *process, WdReason reason, gint64 grace_us);

/* On the list again: begins anew, if need be once it is gone. */
void wd_process_want_again(WdStep *step, WdProcess *process);

/* Everything up to @seq is stored. */
void wd_process_stored(WdStep *step, WdProcess *process, guint64 seq);

/* Time has passed: the next stage of a termination, if it is due. */
void wd_process_advance(WdStep *step, WdProcess *process);

/* Asked to stop for the second time: no more grace. */
void wd_process_kill_now(WdStep *step, WdProcess *process);

/* Whether @reason is a limit exceeded. */
gboolean wd_process_is_limit(WdReason reason);

/* The process is gone, and a signal of ours is the cause. Returns: the seq. */
guint64 wd_process_record_termination(WdStep *step, WdProcess *process);

typedef enum {
  WD_GONE_FOR_GOOD, /* we are stopping, or it isn't wanted any more */
  WD_GONE_RESPAWN,  /* waits for next_start_us */
  WD_GONE_GIVE_UP,  /* over its respawn limit; what that means is the supervisor's to decide */
} WdGone;

/* A process could not be started. */
WdGone wd_process_spawn_failed(WdStep *step, WdProcess *process, const char *error);

/* The process is gone. @worker_gone_seq: the event of the worker's going that explains this exit,
 * or 0; an explained exit uses up nothing. */
WdGone wd_process_exited(WdStep *step, WdProcess *process, const WdExit *exit, gboolean worker_gone,
                         guint64 worker_gone_seq);

/* The row of watchdog_processes, but for what depends on other processes. */
WdProcessStatus *wd_process_status(const WdProcess *process, const WdLimits *limits,
                                   gint64 wall_offset_us);

G_END_DECLS
