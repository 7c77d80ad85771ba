/* The simulated kernel: a stock osqueryd watcher by osquery's rules, and what it starts.
 *   life.c     one process
 *   world.c    births, deaths, pids
 *   watcher.c  osquery/core/watcher.cpp: checks, terminations, back-off, its end */
#pragma once

#include "tests/simulation/observe/life.h"
#include "tests/simulation/observe/log.h"
#include "watchdog/core/settings/limits.h"

/* A place each: the worker, and at most so many extensions. */
#define OBS_PLACES_MAX 5
#define OBS_LIVES_MAX 600

typedef enum {
  OBS_PHASE_WATCHING,
  OBS_PHASE_TERMINATING, /* SIGTERM is sent */
  OBS_PHASE_KILLING,     /* SIGKILL is sent */
  OBS_PHASE_PAUSING,     /* holds the worker back */
  OBS_PHASE_STOPPING,    /* its children are to go first */
  OBS_PHASE_LEAVING,
} ObsPhase;

typedef struct {
  SimRandom *random;
  ObsLog *log;
  WdLimits limits; /* of this watcher, from its beginning to its end */
  ObsLife *lives;  /* OBS_LIVES_MAX, by number; the watcher is the first */
  guint count;
  guint places;                     /* 1 + extensions */
  ObsLife *present[OBS_PLACES_MAX]; /* the present one or the last one; NULL: none yet */
  ObsTemper tempers[OBS_PLACES_MAX];
  gint64 baseline_bytes[OBS_PLACES_MAX]; /* osquery's, kept from one worker to the next */
  gint64 own_baseline_bytes;
  gint64 last_pid;
  gint64 last_uuid;

  /* the watcher's only thread */
  ObsPhase phase;
  gint64 next_us; /* when it goes on */
  guint place;    /* where in its round it is */
  guint restarts; /* quick ones, counted for life */
  gboolean too_many;
  gint64 exit_code;
  gint64 asked_us; /* to stop */
} ObsWorld;

/* The watcher begins at @now_us. Free with obs_world_clear(). */
void obs_world_init(ObsWorld *world, SimRandom *random, ObsLog *log, gint64 now_us);
void obs_world_clear(ObsWorld *world);

static inline ObsLife *
obs_world_watcher(const ObsWorld *world)
{
  return &world->lives[0];
}

/* When the next thing happens; G_MAXINT64: nothing will. */
gint64 obs_world_next_us(const ObsWorld *world);

/* Lets it happen. Returns: who died by it; NULL: nobody. */
ObsLife *obs_world_happen(ObsWorld *world);

/* There is room for no more lives. */
gboolean obs_world_full(const ObsWorld *world);

/* From when on going over a limit has consequences; G_MAXINT64: never. */
gint64 obs_world_enforced_from_us(const ObsWorld *world, const ObsLife *life);

/* Some register with the present worker, some unregister. */
void obs_world_register(ObsWorld *world, gint64 now_us);

/* --- between its parts --- */

ObsLife *obs_world_bear(ObsWorld *world, guint place, gint64 now_us);

/* The watcher's thread goes on. */
void obs_watcher_run(ObsWorld *world, gint64 now_us);

/* A child of it died. */
void obs_watcher_child_died(ObsWorld *world, gint64 now_us);

void obs_watcher_stop(ObsWorld *world, gint64 code, gint64 now_us);
