/* A kernel that is simulated: processes that are born with a fate, react to signals as they please,
 * and die when they like; with few pids, so that these are soon used again. */
#pragma once

#include "tests/simulation/random.h"
#include "tests/simulation/trace.h"

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
  SIM_LIFE_NONE, /* free for a spawn */
  SIM_LIFE_ALIVE,
  SIM_LIFE_ZOMBIE, /* dead; its exit is not delivered yet */
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
  gint64 follow_delay_us;  /* an extension: from the worker's death; G_MAXINT64: stays */
  gint64 manager_opens_us; /* the worker */
  gint64 registered_with;  /* the start_ticks of a worker; 0: of none */
  gint64 uuid;
  gboolean never_registers;
  gint64 ppid;
  gint64 resident_bytes;
  gint64 grows_from_us;
  gint64 growth_bytes_per_ms;
  gint64 spins_from_us;
  gint64 spins_until_us;
  gint64 spin_percent; /* of all CPUs */
} SimProcess;

typedef struct {
  SimRandom *random;
  SimTrace *trace;
  guint cpus;
  guint count;
  SimTemper tempers[SIM_PROCESSES_MAX];
  gboolean broken_worker; /* fails at once, whatever its temper */
  SimProcess processes[SIM_PROCESSES_MAX];
  gint64 last_pid;
  gint64 last_start_ticks;
  guint64 used_pids; /* bit set: pids that had an owner already */
} SimKernel;

#define SIM_WATCHDOG_PID 300

/* The watchdog itself is born at once. */
void sim_kernel_init(SimKernel *kernel, SimRandom *random, SimTrace *trace, guint count, guint cpus,
                     gint64 now_us);

const SimProcess *sim_kernel_process(const SimKernel *kernel, guint index);

void sim_kernel_spawn(SimKernel *kernel, guint index, gint64 now_us);

/* To a zombie: without effect, as in reality. */
void sim_kernel_signal(SimKernel *kernel, guint index, int signo, gint64 now_us);

/* Something else hits it, and it dies at @at_us, if it lives for so long. */
void sim_kernel_hit(SimKernel *kernel, guint index, gint64 at_us);

/* When the next process dies; G_MAXINT64: none will. */
gint64 sim_kernel_next_death_us(const SimKernel *kernel);

/* Lets the one die that is to die next. Returns: its index. */
guint sim_kernel_die(SimKernel *kernel);

/* A zombie's exit is delivered: its pid is free. */
void sim_kernel_reap(SimKernel *kernel, guint index);

/* Which extensions are registered with the present worker, after some have come and gone. */
void sim_kernel_observe(SimKernel *kernel, WdObservation *report);

/* Memory at any time of the process's life. */
gint64 sim_process_resident(const SimProcess *process, gint64 at_us);

/* Returns: FALSE if nothing could be read. */
gboolean sim_kernel_sample(SimKernel *kernel, guint index, gint64 now_us, WdSample *sample);
