/* The supervisor: one deterministic machine that decides everything, and does nothing.
 *
 * Whoever drives it feeds it inputs with the present time and carries out the actions that come
 * back. It reads no clock and no file, so the same machine runs under the main loop and, for
 * millions of steps, against a simulated kernel. Times are monotonic microseconds. */
#pragma once

#include "watchdog/core/event/process-status.h"
#include "watchdog/core/event/recovery.h"
#include "watchdog/core/machine/action.h"
#include "watchdog/core/machine/meter.h"
#include "watchdog/core/machine/report.h"
#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

/* Fixed indices; the managed extensions follow in the order in which they were added. */
#define WD_PROCESS_WATCHDOG 0u
#define WD_PROCESS_WORKER 1u
#define WD_PROCESS_FIRST_EXTENSION 2u

/* As osquery: what can't be repaired by starting again (osquery/core/system.h EXIT_CATASTROPHIC).
 */
#define WD_EXIT_STOPPED 0
#define WD_EXIT_FAILED 1
#define WD_EXIT_CATASTROPHIC 78

/* How long the first signal waits for limit_exceeded to be stored. */
#define WD_STORE_WAIT_US (20 * G_TIME_SPAN_MILLISECOND)
/* How long a process may take to be gone after SIGKILL (osquery/core/watcher.cpp, stopChild). */
#define WD_REAP_WAIT_US (2 * G_TIME_SPAN_SECOND)

typedef enum {
  WD_INPUT_TICK,    /* time has passed; with the samples that were wanted */
  WD_INPUT_SPAWNED, /* the program runs: the fork and the exec have succeeded */
  WD_INPUT_SPAWN_FAILED,
  WD_INPUT_EXITED,            /* a process that was reported spawned is gone */
  WD_INPUT_STORED,            /* everything up to `seq` is durable */
  WD_INPUT_MANAGER_ACCEPTS,   /* the present worker's manager socket accepts connections */
  WD_INPUT_EVENTS_LOST,       /* the store had no room for `lost` events */
  WD_INPUT_HISTORY_RECOVERED, /* the store had to begin its history anew */
  WD_INPUT_SETTINGS,          /* other limits, or another list of extensions, from now on */
  WD_INPUT_WANTED,            /* an extension is on the list again, or no longer */
  WD_INPUT_REPORT,            /* the tables extension tells what it sees */
  WD_INPUT_STOP,              /* asked to stop; the second one means at once */
} WdInputKind;

/* How a process ended. */
typedef struct {
  gint64 code;   /* WD_NONE when a signal ended it */
  gint64 signal; /* WD_NONE when it exited */
  gboolean oom;  /* the signal is the kernel's, for want of memory */
} WdExit;

typedef struct {
  WdInputKind kind;
  guint process; /* SPAWNED, SPAWN_FAILED, EXITED */
  union {
    const WdSample *const
        *samples; /* TICK: one per process, NULL where none was wanted or could be had */
    struct {
      gint64 pid;
      gint64 start_ticks;
    } spawned;
    const char *spawn_error; /* borrowed; for people */
    WdExit exited;
    guint64 seq;                /* STORED */
    guint64 lost;               /* EVENTS_LOST */
    const WdRecovery *recovery; /* HISTORY_RECOVERED; borrowed */
    struct {
      const WdLimits *limits;
      const char *details;  /* JSON: what changed, from what, to what */
      const char *message;  /* the same for people */
    } settings;             /* SETTINGS; borrowed */
    gboolean wanted;        /* WANTED */
    const WdReport *report; /* REPORT; borrowed, well-formed, to be believed only
                                         where the watchdog can't know better */
  };
} WdInput;

typedef struct WdSupervisor WdSupervisor;

/* @limits: copied. @watchdog_pid: ours. */
WdSupervisor *wd_supervisor_new(const WdLimits *limits, const char *watchdog_path,
                                gint64 watchdog_pid, gint64 watchdog_start_ticks,
                                const char *worker_path, gint64 now_us);
void wd_supervisor_free(WdSupervisor *supervisor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdSupervisor, wd_supervisor_free)

/* At any time; a new one is started when the worker's manager accepts. @indispensable: our own
 * tables extension, which is never given up. Returns: the process's index. */
guint wd_supervisor_add_extension(WdSupervisor *supervisor, const char *name, const char *path,
                                  gboolean indispensable);

/* The extension's index; 0: there is none with this path. */
guint wd_supervisor_find_extension(const WdSupervisor *supervisor, const char *path);

/* Whether the extension is on the list. */
gboolean wd_supervisor_wants(const WdSupervisor *supervisor, guint index);

/* Borrowed; changed by WD_INPUT_SETTINGS. */
const WdLimits *wd_supervisor_limits(const WdSupervisor *supervisor);

guint wd_supervisor_count(const WdSupervisor *supervisor);

/* Advances the machine and appends what is to be done to @actions.
 * The first step, with a TICK, starts the worker. */
void wd_supervisor_step(WdSupervisor *supervisor, const WdInput *input, gint64 now_us,
                        GArray *actions);

/* When the next TICK is due; G_MAXINT64: never. */
gint64 wd_supervisor_deadline(const WdSupervisor *supervisor);

/* Whether a TICK at @now_us should carry a sample of process @index. */
gboolean wd_supervisor_wants_sample(const WdSupervisor *supervisor, guint index, gint64 now_us);

/* The present state as rows, one per process but those that are gone and no longer wanted.
 * @wall_offset_us: wall clock minus monotonic clock. Returns: a GPtrArray that owns its
 * WdProcessStatus. */
GPtrArray *wd_supervisor_status(const WdSupervisor *supervisor, gint64 now_us,
                                gint64 wall_offset_us);

G_END_DECLS
