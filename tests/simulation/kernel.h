/* A kernel that is simulated: processes that are born with a fate, react to signals as they please,
 * fork, leave their process group, and die when they like; with few pids, so that these are soon
 * used again, by strangers too.
 *   kernel.c              the watchdog's own: the worker and the extensions, by index
 *   kernel-descendants.c  all others, pids, and who is whose child */
#pragma once

#include "tests/simulation/random.h"
#include "tests/simulation/trace.h"

/* What a process takes before its counter says so: 32 pages. */
#define SIM_COUNTED_BYTES (128 * 1024)
#define SIM_FAULT_SIGNAL_US (2 * SIM_MS)

/* The watchdog, the worker, and at most so many extensions. */
#define SIM_PROCESSES_MAX 6

/* How a slot's processes tend to be. */
typedef enum {
  SIM_TEMPER_CALM,
  SIM_TEMPER_CRASHING,    /* within seconds */
  SIM_TEMPER_SHORT_LIVED, /* around the age that counts as a good run */
  SIM_TEMPER_GREEDY,      /* memory */
  SIM_TEMPER_SPINNING,    /* CPU */
  SIM_TEMPER_COUNT
} SimTemper;

typedef enum {
  SIM_LIFE_NONE,   /* free for a spawn */
  SIM_LIFE_FORKED, /* its exec isn't done */
  SIM_LIFE_ALIVE,
  SIM_LIFE_ZOMBIE, /* dead, and not reaped yet */
} SimLife;

typedef struct {
  SimLife life;
  gint64 pid;
  gint64 start_ticks; /* with the pid, the identity */
  gint64 born_us;

  /* the next death, which a signal or the worker's death may bring forward */
  gint64 death_us;
  gint64 death_code;
  gint64 death_signal;
  gboolean death_by_oom;
  gint64 follows; /* the start_ticks of the worker whose death is the cause of this one; 0: none */

  gint64 term_delay_us;    /* from SIGTERM or SIGUSR1; G_MAXINT64: ignores them */
  gint64 kill_delay_us;    /* from SIGKILL: long for one that can't be reaped */
  gboolean killed;         /* SIGKILL has been sent */
  gint64 forks_us;         /* G_MAXINT64: never */
  gint64 follow_delay_us;  /* an extension: from the worker's death; G_MAXINT64: stays */
  gint64 manager_opens_us; /* the worker */
  gint64 registered_with;  /* the start_ticks of a worker; 0: of none */
  gint64 uuid;
  gboolean never_registers;
  gint64 hangs_from_us; /* answers no ping from then on */
  gint64 hangs_until_us;
  gint64 ppid;
  gboolean has_counter;    /* of page faults */
  gboolean faults_counted; /* by it, now */
  gint64 resident_bytes;
  gint64 grows_from_us;
  gint64 growth_bytes_per_ms;
  gint64 spins_from_us;
  gint64 spins_until_us;
  gint64 spin_percent; /* of all CPUs */
} SimProcess;

/* Started by one of ours, or by one that it started; or a stranger, which isn't ours to signal. It
 * leads a group of its own, or is in that of who started it. */
typedef struct {
  SimLife life;
  gboolean stranger;
  gint64 pid;
  gint64 parent; /* a pid; SIM_WATCHDOG_PID once it is inherited */
  gint64 group;
  gint64 death_us;
  gint64 kill_delay_us;
  gboolean killed;
  gint64 forks_us;
} SimDescendant;

#define SIM_DESCENDANTS_MAX 20

typedef struct {
  SimRandom *random;
  SimTrace *trace;
  guint cpus;
  guint count;
  SimTemper tempers[SIM_PROCESSES_MAX];
  gboolean broken_worker; /* fails at once, whatever its temper */
  SimProcess processes[SIM_PROCESSES_MAX];
  struct {
    gint64 uuid;
    gint64 by;               /* the start_ticks of the worker that lists it; 0: of none */
  } held[SIM_PROCESSES_MAX]; /* the registration of the process before */
  SimDescendant descendants[SIM_DESCENDANTS_MAX];
  gint64 last_pid;
  gint64 last_start_ticks;
  guint64 used_pids; /* bit set: pids that had an owner already */
} SimKernel;

#define SIM_WATCHDOG_PID 300

/* The watchdog itself is born at once. */
void sim_kernel_init(SimKernel *kernel, SimRandom *random, SimTrace *trace, guint count, guint cpus,
                     gint64 now_us);

const SimProcess *sim_kernel_process(const SimKernel *kernel, guint index);

/* There is one more extension. */
void sim_kernel_add(SimKernel *kernel);

/* Returns: the pid. */
gint64 sim_kernel_fork(SimKernel *kernel, guint index, gint64 now_us);
void sim_kernel_exec(SimKernel *kernel, guint index, gint64 now_us);

/* The exec failed: a zombie now. */
void sim_kernel_exec_failed(SimKernel *kernel, guint index);

/* As kill(2), from the watchdog. Fails the run unless @target can't be anyone but a child of the
 * watchdog, or a group that such a child leads; when a stranger is hit; and when a living process
 * of the watchdog's own is, other than @index (0: none is meant). */
void sim_kernel_kill(SimKernel *kernel, gint64 target, int signo, guint index, gint64 now_us);

/* Something else hits it, and it dies at @at_us, if it lives for so long. */
void sim_kernel_hit(SimKernel *kernel, guint index, gint64 at_us);

/* When the next thing happens by itself: a death, a fork; G_MAXINT64: nothing will. */
gint64 sim_kernel_next_us(const SimKernel *kernel);

/* Lets it happen. Returns: the pid of a child of the watchdog that died by it; 0: none. */
gint64 sim_kernel_happen(SimKernel *kernel);

/* A zombie child of the watchdog is reaped: its pid is free. Fails the run if it was of the
 * watchdog's own and something goes on living in its group unharmed. */
void sim_kernel_reap(SimKernel *kernel, gint64 pid, gint64 now_us);

/* The watchdog's children, zombies included: an array of gint64. */
GArray *sim_kernel_children(const SimKernel *kernel);

/* The watchdog has just ended strays: fails the run if one is left. */
void sim_kernel_check_swept(const SimKernel *kernel);

/* The watchdog leaves: fails the run if anything of ours lives on that could have been ended. */
void sim_kernel_check_left(const SimKernel *kernel);

/* Which extensions are registered with the present worker, after some have come and gone, and who
 * answers. */
void sim_kernel_observe(SimKernel *kernel, gint64 now_us, WdReport *report);

/* Memory at any time of the process's life. */
gint64 sim_process_resident(const SimProcess *process, gint64 at_us);

/* The counter begins to count. Returns: when it has counted enough to say so. */
gint64 sim_kernel_count_faults(SimKernel *kernel, guint index, gint64 now_us);

/* It says so. Returns: FALSE if it is another process's by now. */
gboolean sim_kernel_faulted(SimKernel *kernel, guint index, gint64 start_ticks);

/* Returns: FALSE if nothing could be read. */
gboolean sim_kernel_sample(SimKernel *kernel, guint index, gint64 now_us, WdSample *sample);

/* --- between the parts of the kernel --- */

/* When it forks next, if it does; @within_us: from now. */
gint64 sim_kernel_plan_fork(SimKernel *kernel, guint percent, gint64 now_us, gint64 within_us);

gint64 sim_kernel_take_pid(SimKernel *kernel);
void sim_kernel_free_pid(SimKernel *kernel, gint64 pid, gint64 now_us);

/* @parent forks. */
void sim_kernel_born(SimKernel *kernel, gint64 parent, gint64 group, gint64 now_us);

/* @pid is dead: its children are the watchdog's now. */
void sim_kernel_orphan(SimKernel *kernel, gint64 pid);

void sim_kernel_signal(SimKernel *kernel, guint index, int signo, gint64 now_us);

gint64 sim_descendants_next_us(const SimKernel *kernel);
gint64 sim_descendants_happen(SimKernel *kernel, gint64 at_us);
