/* What a machine learns about the world. */
#pragma once

#include "watchdog/core/event/exit.h"
#include "watchdog/core/event/given-up.h"
#include "watchdog/core/event/recovery.h"
#include "watchdog/core/machine/meter.h"
#include "watchdog/core/machine/report.h"
#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

/* Fixed indices; the extensions follow in the order in which they were added. */
#define WD_PROCESS_WATCHDOG 0u
#define WD_PROCESS_WORKER 1u
#define WD_PROCESS_FIRST_EXTENSION 2u

typedef enum {
  WD_INPUT_TICK,              /* time has passed; brings the samples that were wanted */
  WD_INPUT_EXITED,            /* a process that runs, as far as the machine knows, is gone */
  WD_INPUT_REPORT,            /* from the tables extension */
  WD_INPUT_STORED,            /* everything up to `seq` is durable */
  WD_INPUT_EVENTS_LOST,       /* the store had no room for `lost` events */
  WD_INPUT_HISTORY_RECOVERED, /* the store had to begin its history anew */
  WD_INPUT_STOP,              /* stop; for a supervisor, the second one means at once */
  /* a supervisor's */
  WD_INPUT_SPAWNED, /* the program runs: the fork and the exec have succeeded */
  WD_INPUT_SPAWN_FAILED,
  WD_INPUT_FAULTED,         /* the process has taken memory since WD_ACTION_COUNT_FAULTS */
  WD_INPUT_MANAGER_ACCEPTS, /* the present worker's manager socket accepts connections */
  WD_INPUT_SETTINGS,        /* other limits, or another list of extensions, from now on */
  WD_INPUT_WANTED,          /* an extension is on the list again, or no longer on it */
  WD_INPUT_GIVEN_UP,        /* what the history remembers; until then, nothing is known */
  /* an observer's */
  WD_INPUT_FOUND,  /* a child of the watcher that wasn't known before */
  WD_INPUT_LIMITS, /* the limits, from the worker's flags */
} WdInputKind;

/* A process as it was found. Borrowed. */
typedef struct {
  WdRole role;
  const char *name; /* perhaps cut by the kernel, if @path isn't known */
  const char *path; /* NULL: not known */
  gint64 pid;
  gint64 start_ticks;
  gint64 started_us;
  gboolean ended; /* it had when it was found: then its path isn't known */
} WdFound;

/* What an input points to is borrowed. */
typedef struct {
  WdInputKind kind;
  guint process;    /* EXITED, SPAWNED, SPAWN_FAILED, FAULTED, WANTED: index */
  const char *file; /* SPAWNED, SPAWN_FAILED: which program file was there; NULL: none */
  union {
    /* TICK: one per process; NULL where none was wanted, or the process could not be read */
    const WdSample *const *samples;
    WdExit exited;
    const WdReport *report;     /* well-formed, but not trusted: see report.h */
    guint64 seq;                /* STORED; G_MAXUINT64: nothing can be stored at present */
    guint64 lost;               /* EVENTS_LOST */
    const WdRecovery *recovery; /* HISTORY_RECOVERED */
    struct {
      gint64 pid;
      gint64 start_ticks;
      gboolean has_counter; /* its page faults can be counted */
    } spawned;
    const char *spawn_error; /* for people */
    struct {
      const WdLimits *limits;
      const char *details; /* JSON: which settings changed, from which value to which */
      const char *message; /* the same, for people */
    } settings;
    gboolean wanted;
    const GPtrArray *given_up; /* GIVEN_UP: of WdGivenUp */
    WdFound found;
    const WdLimits *limits; /* LIMITS */
  };
} WdInput;

G_END_DECLS
