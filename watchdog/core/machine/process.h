/* One process of the machine: the watchdog itself, the worker, or an extension.
 *
 * The entry, and its index, stay when the process is gone: its next start uses them again. */
#pragma once

#include "watchdog/core/event/exit.h"
#include "watchdog/core/machine/meter.h"
#include "watchdog/core/machine/process-state.h"
#include "watchdog/core/machine/report.h"
#include "watchdog/core/machine/respawn.h"
#include "watchdog/core/machine/silence.h"

G_BEGIN_DECLS

/* A termination under way. */
typedef struct {
  WdReason reason;
  WdVerdict breach;  /* what was measured against what; for a limit */
  guint64 cause_seq; /* the event that led to it; 0: none */
  gint64 grace_us;   /* SIGTERM → SIGKILL */
  WdSignals sent;    /* none while the first signal waits for the store */
  gint64 first_signal_us;
  gint64 next_us;        /* when the next stage is due */
  gint64 watch_until_us; /* an observer's: by then the watcher has acted, if it acts at all */
  gint64 outgrown_bytes; /* the footprint for which its grace was cut short; 0: it wasn't */
} WdEnding;

/* What the tables extension reported of a process (presence.h); WD_NONE: nothing yet. */
typedef struct {
  gint64 registered; /* TRUE, FALSE; extensions only, as uuid */
  gint64 uuid;
  gint64 responsive;
  gint64 left_uuid;          /* of this process, which is gone, and still listed by the core */
  gint64 held_uuid;          /* the same of a process before this one */
  gint64 missing_since_us;   /* since when it is reported to live unregistered */
  guint64 missing_seq;       /* the extension_unregistered; 0: it never was registered */
  gboolean missing_recorded; /* dry run: once per episode */
  char version[WD_REPORTED_VERSION_MAX + 1]; /* "": not known */
} WdPresence;

/* The last exit that counted against a process. */
typedef struct {
  gint64 at_us;     /* WD_NONE: none since it was last ended, or failed to start */
  WdRespawn before; /* restored if the exit turns out to have another cause */
  WdReason reason;
  gboolean unproven;      /* no report on the worker has come since */
  gboolean limit_reached; /* if it is proven, the process is given up */
} WdOwnExit;

typedef struct {
  guint index;
  WdRole role;
  char *name; /* owned, as are the path and the file */
  char *path; /* NULL: not known */
  char *file; /* which file was there when it was last started (look/program-file.h); NULL: none */
  gboolean indispensable; /* never given up */
  gboolean wanted;        /* FALSE: no longer on the list; ended, and not started again */

  WdState state;
  gboolean spawning; /* WD_ACTION_SPAWN is not answered yet */
  gint64 pid;        /* WD_NONE: none */
  gint64 start_ticks;
  gint64 started_us; /* of the present process, else of the one before; WD_NONE: none yet */
  gint64 gone_us;    /* the end of the one before; WD_NONE: there was none */
  gint64 next_start_us;
  WdEnding ending;          /* of the present process; zero unless it is being ended */
  gboolean breach_recorded; /* dry run: once per episode */

  WdPresence presence;
  WdSilence silence;

  WdMeter meter;
  WdSample sample; /* the last one; valid when last_check_us is not WD_NONE */
  gint64 last_check_us;
  gint64 next_memory_look_us;
  WdMemoryWatch memory_watch; /* of the present process */
  gboolean faults_counted;    /* WD_INPUT_FAULTED says when it takes memory */

  WdRespawn respawn;
  WdOwnExit own_exit;
  gint64 excused_us; /* when its exits last had an excuse (blame.h); WD_NONE: never */
  WdReason excuse;
  gint64 last_exit_code;
  gint64 last_exit_signal;
  gint64 last_core_dumped; /* TRUE, FALSE; WD_NONE: no signal ended it, or it isn't known */
  gint64 starts;
  gint64 terminations;
  guint64 gone_seq; /* the event of its last end */
  WdEvent *held;    /* an observer's: that event, while it may still get a cause; owned; or NULL */
  gint64 held_us;   /* since when, which is when it ended */
  gint64 held_until_us;
  guint64 last_seq;
} WdProcess;

/* The process waits to be started. @name, @path: copied. */
void wd_process_init(WdProcess *process, guint index, WdRole role, const char *name,
                     const char *path);
void wd_process_clear(WdProcess *process);

/* The only way in which a process's state changes. */
void wd_process_change(WdProcess *process, WdChange change);

/* A new process has the entry from now on. Everything measured and reported of the one before is
 * forgotten. */
void wd_process_begin(WdProcess *process, gint64 pid, gint64 start_ticks, gint64 started_us);

/* The process has ended. */
void wd_process_end(WdProcess *process, const WdExit *how, gint64 now_us);

/* The process is reaped: it has no pid any more. */
void wd_process_forget_pid(WdProcess *process);

/* Whether there is a process with this pid that is not reaped yet. */
gboolean wd_process_alive(const WdProcess *process);

/* Whether it is being ended. */
gboolean wd_process_ends(const WdProcess *process);

/* Whether it is being ended for memory, as far as is known, and may still grow. */
gboolean wd_process_ends_for_memory(const WdProcess *process, gint64 now_us);

/* A new event about @process, with its pid. */
WdEvent *wd_process_event(const WdProcess *process, WdEventKind kind, WdReason reason);

/* The process has begun. */
WdEvent *wd_process_start_event(const WdProcess *process);

/* A new event about @process, with what was measured against which of @limits, at @now_us, and its
 * memory so far. */
WdEvent *wd_process_breach_event(const WdProcess *process, WdEventKind kind,
                                 const WdVerdict *breach, const WdLimits *limits, gint64 now_us);

/* Fills in how it ended, how long it lived, how much memory it used, and how often it was
 * restarted. */
void wd_process_describe_end(const WdProcess *process, const WdLimits *limits, WdEvent *event,
                             gint64 now_us);

/* Fills in what was measured against which limit. */
void wd_breach_describe(const WdVerdict *breach, WdEvent *event);

/* The row of watchdog_processes, without what depends on other processes.
 * @wall_offset_us: wall clock minus monotonic clock. */
WdProcessStatus *wd_process_status(const WdProcess *process, const WdLimits *limits,
                                   gint64 wall_offset_us);

G_END_DECLS
