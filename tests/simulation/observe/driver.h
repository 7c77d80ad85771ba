/* What an observer of the simulated watcher gets to see, late, in another order, or never; after
 * extension/family.c and extension/observer.c.
 *   driver.c         the machine's inputs
 *   family.c         who is found, and whose end is noticed
 *   run.c            time */
#pragma once

#include "tests/simulation/observe/oracle.h"

typedef enum {
  OBS_PENDING_EVENT,    /* the kernel reports how a life ended */
  OBS_PENDING_READY,    /* a pidfd is readable */
  OBS_PENDING_OVERDUE,  /* the kernel should have said by now how somebody ended */
  OBS_PENDING_LIMITS,   /* the worker says what its flags are */
  OBS_PENDING_REPORT,   /* it is time for one */
  OBS_PENDING_REPORTED, /* one arrives */
  OBS_PENDING_STORE,    /* the store has lost events, or recovered */
  OBS_PENDING_STOP,
} ObsPendingKind;

typedef struct {
  ObsPendingKind kind;
  gint64 at_us;
  ObsLife *life;
  WdReport *report; /* owned */
} ObsPending;

#define OBS_PENDING_MAX 1024
#define OBS_WATCHED_MAX OBS_LIVES_MAX

/* How well this observer sees. */
typedef struct {
  gboolean clear;
  gboolean process_events;
  guint events_lost_percent;
  gboolean pidfds;
  gint64 late_us;        /* news take so long at most */
  gint64 scan_late_us;   /* a look at the children comes so much later at most */
  gint64 limits_late_us; /* likewise; G_MAXINT64: never */
  guint samples_missing_percent;
  gboolean disturbed; /* by stalls */
  gboolean hasty;     /* finds a new worker before it has heard of the old one's end */
} ObsEyes;

typedef struct {
  ObsLog *log;
  SimRandom *random;
  ObsWorld world;
  ObsMachine *machine;
  ObsOracle oracle;
  ObsEyes eyes;
  gint64 now_us;

  ObsPending pending[OBS_PENDING_MAX];
  guint pending_count;
  gint64 no_tick_before_us;
  gint64 stalled_until_us;

  /* the family: */
  ObsLife *watched[OBS_WATCHED_MAX]; /* whose end is still to be told */
  guint watched_count;
  gboolean seen[OBS_LIVES_MAX];
  ObsLife *worker; /* NULL: none, as far as is known */
  gint64 next_scan_us;
} ObsDriver;

/* Runs a watcher and its observer until the run is closed. Adds its steps to the trace. */
void obs_run(ObsLog *log, SimRandom *random);

ObsPending *obs_driver_plan(ObsDriver *driver, ObsPendingKind kind, ObsLife *life, gint64 at_us);

/* When news of now arrive. */
gint64 obs_driver_later_us(const ObsDriver *driver);

/* --- inputs of the machine --- */

void obs_driver_begin(ObsDriver *driver);
void obs_driver_found(ObsDriver *driver, ObsLife *life, gboolean worker);
void obs_driver_gone(ObsDriver *driver, ObsLife *life, gboolean how_known);
void obs_driver_tick(ObsDriver *driver);
void obs_driver_deliver(ObsDriver *driver, guint index);
/* The store has lost events, or begun anew. */
void obs_driver_tell_store(ObsDriver *driver);

void obs_driver_stop(ObsDriver *driver);

/* --- the family --- */

/* @life died at its time: news of it are on their way. */
void obs_family_died(ObsDriver *driver, ObsLife *life);
void obs_family_scan(ObsDriver *driver);
/* How it ended is known. */
void obs_family_hear(ObsDriver *driver, ObsLife *life);
/* It must be gone, for it can't be looked at. */
void obs_family_missed(ObsDriver *driver, ObsLife *life);
/* All whose end is not told yet. */
void obs_family_tell_ends(ObsDriver *driver);
/* It serves the manager's socket. */
void obs_family_serves(ObsDriver *driver, ObsLife *life);
