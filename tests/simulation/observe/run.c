#include "tests/simulation/observe/driver.h"

#define MOST_TICKS_A_SECOND 100

/* --- time --- */

static gint64
next_tick_us(const ObsDriver *driver)
{
  return MAX(obs_machine_deadline(driver->machine), driver->no_tick_before_us);
}

static gint64
next_pending_us(const ObsDriver *driver)
{
  gint64 next_us = G_MAXINT64;
  for (guint i = 0; i < driver->pending_count; i++)
    next_us = MIN(next_us, driver->pending[i].at_us);
  return next_us;
}

/* One of those that are due, because what is ready at once is delivered in any order. */
static guint
choose_due(const ObsDriver *driver)
{
  guint due[OBS_PENDING_MAX];
  guint count = 0;
  for (guint i = 0; i < driver->pending_count; i++)
    if (driver->pending[i].at_us <= driver->now_us)
      due[count++] = i;
  return due[sim_random_between(driver->random, 0, count - 1)];
}

static void
disturb(ObsDriver *driver)
{
  if (!driver->eyes.disturbed)
    return;
  if (sim_random_next(driver->random) % 200 == 0) {
    driver->no_tick_before_us = driver->now_us + sim_random_between(driver->random, 0, 8 * SIM_S);
    obs_count(driver->log, OBS_TALLY_LATE_TICKS);
  } else if (sim_random_next(driver->random) % 400 == 0) {
    driver->stalled_until_us = driver->now_us + sim_random_between(driver->random, 0, 20 * SIM_S);
    obs_count(driver->log, OBS_TALLY_STALLS);
  }
}

static void
let_happen(ObsDriver *driver, gint64 until_us)
{
  while (obs_world_next_us(&driver->world) <= until_us && !obs_world_full(&driver->world)) {
    driver->now_us = MAX(driver->now_us, obs_world_next_us(&driver->world));
    ObsLife *died = obs_world_happen(&driver->world);
    if (died == NULL)
      continue;
    sim_trace_line(&driver->log->trace, "%.6f  (%d dies)", (double)driver->now_us / SIM_S,
                   (int)died->pid);
    obs_family_died(driver, died);
  }
  driver->now_us = MAX(driver->now_us, until_us);
}

/* As extension/observer.c does when its timer is due. */
static void
on_time(ObsDriver *driver, gboolean needless)
{
  if (needless || next_tick_us(driver) <= driver->now_us)
    obs_driver_tick(driver);
  if (!driver->oracle.closed && driver->next_scan_us <= driver->now_us)
    obs_family_scan(driver);
}

static void
advance(ObsDriver *driver)
{
  const gint64 timer_us = MIN(next_tick_us(driver), driver->next_scan_us);
  gint64 wanted_us = MIN(timer_us, next_pending_us(driver));
  wanted_us = MAX(MIN(wanted_us, obs_world_next_us(&driver->world)), driver->stalled_until_us);
  let_happen(driver, MAX(wanted_us, driver->now_us));
  const gboolean timer_due = timer_us <= driver->now_us;
  const gboolean pending_due = next_pending_us(driver) <= driver->now_us;
  const gboolean needless = sim_random_next(driver->random) % 500 == 0;
  if (needless || (timer_due && (!pending_due || sim_random_chance(driver->random, 50))))
    on_time(driver, needless);
  else if (pending_due)
    obs_driver_deliver(driver, choose_due(driver));
  disturb(driver);
}

/* --- a run --- */

static ObsEyes
choose_eyes(SimRandom *random)
{
  if (sim_random_chance(random, 30))
    return (ObsEyes){.clear = TRUE, .process_events = TRUE, .pidfds = TRUE, .late_us = 5 * SIM_MS};
  return (ObsEyes){
      .process_events = sim_random_chance(random, 70),
      .events_lost_percent = (guint)SIM_RANDOM_PICK(random, 0, 5, 50),
      .pidfds = sim_random_chance(random, 80),
      .late_us = SIM_RANDOM_PICK(random, 50 * SIM_MS, 5 * SIM_S),
      .scan_late_us = SIM_RANDOM_PICK(random, 0, 3 * SIM_S, 30 * SIM_S),
      .limits_late_us = SIM_RANDOM_PICK(random, 0, 2 * SIM_S, 100 * SIM_S, G_MAXINT64),
      .samples_missing_percent = (guint)SIM_RANDOM_PICK(random, 0, 2, 20),
      .disturbed = sim_random_chance(random, 50),
      .hasty = sim_random_chance(random, 30),
  };
}

static void
begin(ObsDriver *driver, ObsLog *log, SimRandom *random)
{
  *driver = (ObsDriver){
      .log = log,
      .random = random,
      .eyes = choose_eyes(random),
      .now_us = sim_random_between(random, 1 * SIM_S, 1000 * SIM_S),
  };
  obs_world_init(&driver->world, random, log, driver->now_us);
  if (driver->eyes.clear)
    obs_count(log, OBS_TALLY_CLEAR_RUNS);
  else if (sim_random_chance(random, 70))
    let_happen(driver, driver->now_us + sim_random_between(random, 0, 200 * SIM_S));
  driver->pending_count = 0; /* nobody was there to hear it */
  driver->seen[0] = TRUE;
  driver->watched[driver->watched_count++] = obs_world_watcher(&driver->world);
  if (obs_world_watcher(&driver->world)->dead)
    obs_family_died(driver, obs_world_watcher(&driver->world));
  driver->next_scan_us = driver->now_us;
  obs_driver_plan(driver, OBS_PENDING_REPORT, NULL, driver->now_us);
  obs_driver_plan(driver, OBS_PENDING_STOP, NULL,
                  driver->now_us + sim_random_between(random, 0, 3000 * SIM_S));
  obs_driver_plan(driver, OBS_PENDING_STORE, NULL,
                  driver->now_us + sim_random_between(random, 0, 1000 * SIM_S));
}

static void
check_rate(ObsDriver *driver, gint64 began_us, guint64 steps)
{
  const gint64 seconds = (driver->now_us - began_us) / SIM_S + 10;
  OBS_CHECK(driver->log, driver->log->trace.steps - steps <= (guint64)seconds * MOST_TICKS_A_SECOND,
            "too many steps");
}

/* Whatever still comes is of no more effect. */
static void
check_closed(ObsDriver *driver)
{
  const guint count = driver->world.count;
  for (guint i = MAX(count, 1 + OBS_PLACES_MAX) - OBS_PLACES_MAX; i < count; i++)
    if (!driver->seen[i])
      obs_driver_found(driver, &driver->world.lives[i], i % 2 == 0);
    else
      obs_driver_gone(driver, &driver->world.lives[i], TRUE);
  obs_driver_tick(driver);
  obs_driver_tell_store(driver);
  obs_driver_stop(driver);
}

void
obs_run(ObsLog *log, SimRandom *random)
{
  ObsDriver *driver = g_new(ObsDriver, 1);
  begin(driver, log, random);
  log->trace.runs++;
  sim_trace_line(&log->trace, "--- run %" G_GUINT64_FORMAT, log->trace.runs);
  const gint64 began_us = driver->now_us;
  const guint64 steps = log->trace.steps;
  obs_driver_begin(driver);
  while (!driver->oracle.closed && !obs_world_full(&driver->world)) {
    advance(driver);
    check_rate(driver, began_us, steps);
  }
  if (!driver->oracle.closed)
    obs_driver_stop(driver);
  check_closed(driver);
  for (guint i = 0; i < driver->pending_count; i++)
    g_free(driver->pending[i].report);
  obs_oracle_clear(&driver->oracle);
  obs_machine_free(driver->machine);
  obs_world_clear(&driver->world);
  g_free(driver);
}
