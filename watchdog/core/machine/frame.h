/* What supervisors and observers have in common: the processes, the limits, the checks, the reports
 * and the numbers of the events. WdPolicy is what differs. Only the parts of a machine include
 * this; code that drives one includes machine.h. */
#pragma once

#include "watchdog/core/machine/action.h"
#include "watchdog/core/machine/input.h"
#include "watchdog/core/machine/process.h"

G_BEGIN_DECLS

typedef struct WdMachine WdMachine;

/* How supervising and observing differ: one table each. */
typedef struct {
  /* Takes in @input, after the frame has taken in its own part, and then does what is due. */
  void (*take)(WdMachine *machine, const WdInput *input);
  /* When to look at a process's memory again. */
  gint64 (*next_look_us)(const WdMeter *meter, const WdLimits *limits);
  /* @process is over a limit that is enforced now. */
  void (*over_limit)(WdMachine *machine, WdProcess *process, const WdVerdict *breach);
  /* @extension has lived unregistered for longer than it may. NULL: nothing follows. */
  void (*unregistered)(WdMachine *machine, WdProcess *extension);
  /* When the next thing is due that no input brings; G_MAXINT64: never. */
  gint64 (*deadline)(const WdMachine *machine);
  /* Corrects the row of @process. Returns: FALSE when there is to be none. */
  gboolean (*show)(const WdMachine *machine, const WdProcess *process, WdProcessStatus *status);
  /* The log line of an event that has none yet. Newly allocated. */
  char *(*message)(const WdEvent *event);
  gboolean states_basis; /* details.basis says how each event is known */
} WdPolicy;

/* A supervisor's own state. */
typedef struct {
  gboolean manager_accepts;
  gint64 next_probe_us;
  guint failures_at_once; /* workers in a row */

  /* an extension was given up, and ends all once that is stored */
  guint64 give_up_seq; /* the event; 0: none waits */
  guint give_up_process;
  WdReason give_up_reason;
  gint64 give_up_until_us;

  gboolean storeless;      /* nothing can be stored at present, so no signal waits for that */
  gboolean stopping;       /* nothing is started again */
  gboolean stop_requested; /* once */
  gboolean stop_at_once;   /* twice */
  WdReason stop_reason;
  guint64 stop_cause_seq;
  int exit_code;
} WdSupervising;

/* An observer's own state. */
typedef struct {
  gboolean limits_known;
  gint64 began_us;
  WdReason worker_gone_reason;
  gboolean pause_open; /* that end came quickly: does the watcher wait? Not known yet */
} WdObserving;

struct WdMachine {
  const WdPolicy *policy;
  WdLimits limits;
  GArray *processes; /* of WdProcess, by index (input.h); none is removed */
  guint64 last_seq;  /* of the newest event of this run; 0: there is none */
  gboolean closed;   /* watchdog_stopped is recorded: nothing follows */

  gint64 next_check_us;    /* the next regular check, of all processes */
  gint64 enforced_from_us; /* the worker's latest start plus watchdog_delay; WD_NONE: none yet */
  gint64 worker_gone_us;   /* the worker's last end; WD_NONE: none yet */
  gint64 heard_us;         /* the last report on the present worker, or its start */
  gboolean unattributed;   /* it lists registrations whose process isn't known */
  GHashTable *denylisted;  /* names of the queries that are recorded for the present worker */
  guint unread_ends;   /* of workers, after which no schedule was read; what was before us counts
                          as one */
  GPtrArray *given_up; /* of WdGivenUp, as it was at given_up_us; NULL: not known */
  gint64 given_up_us;

  /* of the present step */
  gint64 now_us;
  GArray *actions; /* borrowed */

  union {
    WdSupervising supervising;
    WdObserving observing;
  };
};

/* A machine with a watchdog that runs and a worker that waits to be started. @limits: copied.
 * @watchdog: has the role WD_ROLE_WATCHDOG. @worker_path: the worker's program. */
WdMachine *wd_machine_new(const WdPolicy *policy, const WdLimits *limits, const WdFound *watchdog,
                          const char *worker_path);

/* Returns: the new process, which waits to be started. Pointers to other processes become invalid.
 */
WdProcess *wd_machine_add(WdMachine *machine, WdRole role, const char *name, const char *path);

static inline WdProcess *
wd_machine_at(const WdMachine *machine, guint index)
{
  return &g_array_index(machine->processes, WdProcess, index);
}

static inline WdProcess *
wd_machine_watchdog(const WdMachine *machine)
{
  return wd_machine_at(machine, WD_PROCESS_WATCHDOG);
}

static inline WdProcess *
wd_machine_worker(const WdMachine *machine)
{
  return wd_machine_at(machine, WD_PROCESS_WORKER);
}

typedef enum {
  WD_RECORD_PLAIN = 0,
  WD_RECORD_ACKNOWLEDGE = 1 << 0, /* answer with WD_INPUT_STORED */
  WD_RECORD_DETAILS = 1 << 1,     /* add what the process is doing */
  WD_RECORD_INFERRED = 1 << 2,    /* an observer concluded it, but has not seen it */
} WdRecordFlags;

/* Gives @event its number, its message and its basis, and asks for it to be recorded. Takes @event.
 * Returns: the number. */
guint64 wd_machine_record(WdMachine *machine, WdProcess *process, WdEvent *event,
                          WdRecordFlags flags);

/* Asks for a line about @process in the log. Takes @text. */
void wd_machine_log(const WdMachine *machine, const WdProcess *process, char *text);

/* Asks for the state to be published. */
void wd_machine_publish(WdMachine *machine);

G_END_DECLS
