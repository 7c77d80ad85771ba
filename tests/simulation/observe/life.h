/* One process of the simulated watcher's, from its birth to its reaping, with a fate. */
#pragma once

#include "tests/simulation/random.h"
#include "watchdog/core/event/event.h"

/* How the processes of one place tend to be. */
typedef enum {
  OBS_TEMPER_CALM,
  OBS_TEMPER_CRASHING,    /* within seconds */
  OBS_TEMPER_SHORT_LIVED, /* a few checks */
  OBS_TEMPER_GREEDY,      /* memory */
  OBS_TEMPER_SPINNING,    /* CPU */
  OBS_TEMPER_BROKEN,      /* can't be executed, or exits at once */
  OBS_TEMPER_COUNT
} ObsTemper;

typedef enum {
  OBS_BY_ITSELF,
  OBS_BY_LIMIT,    /* the watcher's doing */
  OBS_BY_SOMEBODY, /* a signal from elsewhere */
  OBS_BY_WORKER,   /* an extension: its worker went */
  OBS_BY_STOP,     /* the watcher's, which stops */
} ObsCause;

typedef struct {
  guint number; /* among the lives of the run */
  WdRole role;
  guint place; /* 0: the worker, or the watcher; else an extension */
  gint64 pid;
  gint64 born_us;
  gint64 ready_us; /* its exec is done: until then nothing shows who it is */

  /* the next death, which something may bring forward */
  gint64 death_us;
  gint64 code;
  gint64 signal;
  ObsCause cause;
  gboolean dead;
  gboolean reaped;

  gint64 term_delay_us; /* G_MAXINT64: ignores it */
  gint64 term_code;     /* 78: its alarm, in the middle of a query */
  gint64 kill_delay_us;
  gint64 follow_delay_us; /* an extension: from the worker's death; G_MAXINT64: stays */

  gboolean never_registers;
  gint64 uuid;           /* 0: not registered */
  guint registered_with; /* the number of a worker */

  gint64 resident_bytes;
  gint64 grows_from_us;
  gint64 growth_bytes_per_ms;
  gint64 spins_from_us;
  gint64 spins_until_us;
  gint64 spin_percent; /* of all CPUs */

  /* as the watcher measures it */
  gint64 checked_ms;
  guint strikes;
  gint64 pause_s; /* a worker: how long the watcher waited after it; 0: not at all */
} ObsLife;

/* Gives it a fate. Its number, role, place, pid and birth are set. */
void obs_life_begin(ObsLife *life, ObsTemper temper, SimRandom *random);

/* It dies at @at_us, unless it dies before. Returns: FALSE when it does. */
gboolean obs_life_die(ObsLife *life, gint64 at_us, gint64 code, gint64 signal, ObsCause cause);

/* SIGTERM, and SIGKILL, from the watcher. */
void obs_life_terminate(ObsLife *life, gint64 now_us, ObsCause cause);
void obs_life_kill(ObsLife *life, gint64 now_us, ObsCause cause);

gint64 obs_life_resident(const ObsLife *life, gint64 at_us);
gint64 obs_life_cpu_ms(const ObsLife *life, gint64 at_us, guint cpus);
