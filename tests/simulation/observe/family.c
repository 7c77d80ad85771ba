#include "tests/simulation/observe/driver.h"

#define SCAN_US (1 * SIM_S)
#define SETTLED_SCAN_US (30 * SIM_S)
#define SETTLES_US (100 * SIM_MS)
#define OVERDUE_US (1 * SIM_S)

static gboolean
is_watched(const ObsDriver *driver, const ObsLife *life)
{
  for (guint i = 0; i < driver->watched_count; i++)
    if (driver->watched[i] == life)
      return TRUE;
  return FALSE;
}

static gboolean
pid_is_watched(const ObsDriver *driver, gint64 pid)
{
  for (guint i = 0; i < driver->watched_count; i++)
    if (driver->watched[i]->pid == pid)
      return TRUE;
  return FALSE;
}

static void
expect_changes(ObsDriver *driver)
{
  driver->next_scan_us = MIN(driver->next_scan_us, driver->now_us + SCAN_US);
}

/* --- ends --- */

static void
tell_gone(ObsDriver *driver, ObsLife *life, gboolean how_known)
{
  for (guint i = 0; i < driver->watched_count; i++)
    if (driver->watched[i] == life)
      driver->watched[i--] = driver->watched[--driver->watched_count];
  if (driver->worker == life)
    driver->worker = NULL;
  expect_changes(driver);
  obs_driver_gone(driver, life, how_known);
}

/* Returns: FALSE when it is too early to tell who it is. */
static gboolean
appeared(ObsDriver *driver, ObsLife *life, gboolean evident)
{
  if (driver->seen[life->number] || life->reaped || obs_world_watcher(&driver->world)->dead ||
      pid_is_watched(driver, life->pid))
    return TRUE;
  const gint64 looked_us = life->dead ? MIN(driver->now_us, life->death_us) : driver->now_us;
  if (looked_us < life->ready_us) {
    /* It stays unknown. */
    driver->oracle.counts_exact =
        driver->oracle.counts_exact && !(life->dead && life->role == WD_ROLE_WORKER);
    return life->dead;
  }
  if (!evident && driver->now_us - life->born_us < SETTLES_US)
    return FALSE;
  const gboolean like_watcher = life->role == WD_ROLE_WORKER;
  if (like_watcher && driver->worker != NULL) {
    if (!driver->worker->dead)
      return TRUE;
    if (!driver->eyes.hasty)
      return FALSE;
  }
  driver->seen[life->number] = TRUE;
  driver->watched[driver->watched_count++] = life;
  if (like_watcher)
    driver->worker = life;
  expect_changes(driver);
  if (life->dead && driver->eyes.pidfds)
    obs_driver_plan(driver, OBS_PENDING_READY, life, obs_driver_later_us(driver));
  obs_driver_found(driver, life, like_watcher);
  return TRUE;
}

/* The kernel's news of a pid are in order: none comes once it has another owner. */
void
obs_family_hear(ObsDriver *driver, ObsLife *life)
{
  if (life->role != WD_ROLE_WATCHDOG)
    appeared(driver, life, TRUE);
  if (is_watched(driver, life) || !pid_is_watched(driver, life->pid))
    tell_gone(driver, life, TRUE);
}

void
obs_family_tell_ends(ObsDriver *driver)
{
  for (guint i = driver->watched_count; i-- > 0;)
    if (driver->watched[i]->dead && driver->watched[i]->role != WD_ROLE_WATCHDOG)
      tell_gone(driver, driver->watched[i], FALSE);
  if (obs_world_watcher(&driver->world)->dead &&
      is_watched(driver, obs_world_watcher(&driver->world)))
    tell_gone(driver, obs_world_watcher(&driver->world), FALSE);
}

static gboolean
waits_for_how(const ObsDriver *driver)
{
  for (guint i = 0; i < driver->pending_count; i++)
    if (driver->pending[i].kind == OBS_PENDING_OVERDUE)
      return TRUE;
  return FALSE;
}

void
obs_family_missed(ObsDriver *driver, ObsLife *life)
{
  if (!is_watched(driver, life))
    return;
  if (!driver->eyes.process_events)
    tell_gone(driver, life, FALSE);
  else if (!waits_for_how(driver))
    obs_driver_plan(driver, OBS_PENDING_OVERDUE, life, driver->now_us + OVERDUE_US);
}

void
obs_family_died(ObsDriver *driver, ObsLife *life)
{
  const gint64 later_us = obs_driver_later_us(driver);
  if (driver->eyes.process_events) {
    if (sim_random_chance(driver->random, driver->eyes.events_lost_percent))
      obs_count(driver->log, OBS_TALLY_EVENTS_LOST);
    else
      obs_driver_plan(driver, OBS_PENDING_EVENT, life, later_us);
  }
  if (driver->eyes.pidfds && is_watched(driver, life))
    obs_driver_plan(driver, OBS_PENDING_READY, life,
                    driver->eyes.clear ? later_us : obs_driver_later_us(driver));
}

/* --- beginnings --- */

void
obs_family_serves(ObsDriver *driver, ObsLife *life)
{
  appeared(driver, life, TRUE);
}

static void
look_for_ends(ObsDriver *driver)
{
  for (guint i = driver->watched_count; i-- > 0;)
    if (i < driver->watched_count && driver->watched[i]->dead)
      obs_family_missed(driver, driver->watched[i]);
}

void
obs_family_scan(ObsDriver *driver)
{
  gboolean all = TRUE;
  if (!driver->eyes.pidfds)
    look_for_ends(driver);
  const guint first = (guint)sim_random_between(driver->random, 0, OBS_PLACES_MAX - 1);
  for (guint i = 0; i < driver->world.places; i++) {
    ObsLife *life = driver->world.present[(first + i) % driver->world.places];
    if (life != NULL && !is_watched(driver, life))
      all = appeared(driver, life, FALSE) && all;
  }
  gint64 after_us = all ? SCAN_US : SETTLES_US;
  if (driver->eyes.scan_late_us > 0 && sim_random_chance(driver->random, 20)) {
    obs_count(driver->log, OBS_TALLY_LATE_SCANS);
    after_us = sim_random_between(driver->random, SETTLES_US, driver->eyes.scan_late_us);
  }
  driver->next_scan_us = driver->now_us + MIN(after_us, SETTLED_SCAN_US);
}
