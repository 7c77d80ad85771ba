/* osquery's watcher: one thread, which a termination or a back-off keeps from all else. */
#include "tests/simulation/observe/world.h"

#include <signal.h>

#define INTERVAL_US (WD_CHECK_INTERVAL_S * SIM_S)
#define REAP_US (2 * SIM_S)
#define STOP_US (4 * SIM_S)

/* --- its end --- */

static void
leave(ObsWorld *world, gint64 now_us)
{
  world->phase = OBS_PHASE_LEAVING;
  world->next_us = G_MAXINT64;
  obs_life_die(obs_world_watcher(world), now_us + sim_random_between(world->random, 0, 50 * SIM_MS),
               world->exit_code, WD_NONE, OBS_BY_ITSELF);
}

static gboolean
children_live(const ObsWorld *world)
{
  for (guint i = 0; i < world->places; i++)
    if (world->present[i] != NULL && !world->present[i]->dead)
      return TRUE;
  return FALSE;
}

void
obs_watcher_stop(ObsWorld *world, gint64 code, gint64 now_us)
{
  world->exit_code = code;
  world->phase = OBS_PHASE_STOPPING;
  world->next_us = now_us + STOP_US;
  for (guint i = 0; i < world->places; i++)
    if (world->present[i] != NULL)
      obs_life_terminate(world->present[i], now_us, OBS_BY_STOP);
  if (!children_live(world))
    leave(world, now_us);
}

/* --- starts --- */

static void
start(ObsWorld *world, gint64 now_us)
{
  if (world->present[world->place] != NULL)
    world->present[world->place]->reaped = TRUE;
  world->present[world->place] = obs_world_bear(world, world->place, now_us);
  world->phase = OBS_PHASE_WATCHING;
  world->place++;
}

static gint64
back_off_s(const ObsWorld *world)
{
  gint64 power_s = 1;
  for (guint i = 0; i < world->restarts && power_s < world->limits.max_delay_s; i++)
    power_s *= 2;
  return MIN(world->limits.respawn_delay_s + power_s, world->limits.max_delay_s);
}

/* The age is in whole seconds of a clock. */
static gboolean
was_quick(const ObsWorld *world, const ObsLife *worker, gint64 now_us)
{
  return now_us / SIM_S - worker->born_us / SIM_S < world->limits.quick_exit_s;
}

static void
restart_worker(ObsWorld *world, ObsLife *worker, gint64 now_us)
{
  worker->reaped = TRUE;
  if (world->restarts >= world->limits.respawn_limit) {
    obs_count(world->log, OBS_TALLY_GIVE_UPS);
    world->too_many = TRUE;
    obs_watcher_stop(world, 1, now_us);
    return;
  }
  if (was_quick(world, worker, now_us)) {
    world->restarts++;
    worker->pause_s = back_off_s(world);
  }
  if (worker->pause_s == 0) {
    start(world, now_us);
    return;
  }
  obs_count(world->log, OBS_TALLY_PAUSES);
  world->phase = OBS_PHASE_PAUSING;
  world->next_us = now_us + worker->pause_s * SIM_S;
}

/* --- terminations --- */

static void
replace(ObsWorld *world, gint64 now_us)
{
  if (world->place == 0)
    restart_worker(world, world->present[0], now_us);
  else
    start(world, now_us);
}

static void
send_kill(ObsWorld *world, gint64 now_us)
{
  obs_count(world->log, OBS_TALLY_SIGKILLS);
  world->phase = OBS_PHASE_KILLING;
  world->next_us = now_us + REAP_US;
  obs_life_kill(world->present[world->place], now_us, OBS_BY_LIMIT);
}

static void
terminate(ObsWorld *world, ObsTally why, gint64 now_us)
{
  obs_count(world->log, why);
  world->phase = OBS_PHASE_TERMINATING;
  world->next_us = now_us + world->limits.forced_shutdown_delay_s * SIM_S;
  obs_life_terminate(world->present[world->place], now_us, OBS_BY_LIMIT);
  if (world->limits.forced_shutdown_delay_s == 0)
    send_kill(world, now_us);
}

static void
go_on_terminating(ObsWorld *world, gint64 now_us)
{
  if (world->present[world->place]->dead) {
    world->phase = OBS_PHASE_WATCHING;
    replace(world, now_us);
  } else if (world->phase == OBS_PHASE_TERMINATING) {
    send_kill(world, now_us);
  } else {
    obs_count(world->log, OBS_TALLY_STUCK);
    obs_watcher_stop(world, 78, now_us);
  }
}

void
obs_watcher_child_died(ObsWorld *world, gint64 now_us)
{
  if (world->phase == OBS_PHASE_STOPPING && !children_live(world))
    leave(world, now_us);
  if ((world->phase == OBS_PHASE_TERMINATING || world->phase == OBS_PHASE_KILLING) &&
      world->present[world->place]->dead)
    world->next_us =
        MIN(world->next_us, now_us + sim_random_between(world->random, 0, 100 * SIM_MS));
}

/* --- checks --- */

static gboolean
strikes(const ObsWorld *world, ObsLife *life, gint64 now_us)
{
  const WdLimits *limits = &world->limits;
  const gint64 cpu_ms = obs_life_cpu_ms(life, now_us, limits->cpus);
  const gint64 allowed_ms =
      limits->utilization_limit * WD_CHECK_INTERVAL_S * 1000 * limits->cpus / 100;
  life->strikes = cpu_ms - life->checked_ms > allowed_ms ? life->strikes + 1 : 0;
  life->checked_ms = cpu_ms;
  return life->strikes > 0 && life->strikes * WD_CHECK_INTERVAL_S >= limits->latency_limit_s;
}

static gboolean
outgrew(const ObsWorld *world, const ObsLife *life, gint64 *baseline_bytes, gint64 now_us)
{
  const gint64 resident_bytes = obs_life_resident(life, now_us);
  if (*baseline_bytes == WD_NONE)
    *baseline_bytes = resident_bytes;
  return resident_bytes - *baseline_bytes > world->limits.memory_limit_bytes;
}

static void
look_at(ObsWorld *world, ObsLife *life, gint64 now_us)
{
  const gboolean cpu = strikes(world, life, now_us);
  const gboolean memory = outgrew(world, life, &world->baseline_bytes[world->place], now_us);
  world->place++;
  if ((!cpu && !memory) || now_us < obs_world_enforced_from_us(world, life))
    return;
  world->place--;
  terminate(world, cpu ? OBS_TALLY_CPU_ENDS : OBS_TALLY_MEMORY_ENDS, now_us);
}

static void
visit(ObsWorld *world, gint64 now_us)
{
  ObsLife *life = world->present[world->place];
  if (life == NULL) {
    start(world, now_us);
  } else if (!life->dead) {
    look_at(world, life, now_us);
  } else if (world->place == 0 && life->code == 78) {
    obs_count(world->log, OBS_TALLY_CATASTROPHES);
    obs_watcher_stop(world, 78, now_us);
  } else {
    replace(world, now_us);
  }
}

static void
check(ObsWorld *world, gint64 now_us)
{
  while (world->phase == OBS_PHASE_WATCHING && world->place < world->places)
    visit(world, now_us);
  if (world->phase != OBS_PHASE_WATCHING)
    return;
  if (world->limits.enforce &&
      outgrew(world, obs_world_watcher(world), &world->own_baseline_bytes, now_us)) {
    obs_count(world->log, OBS_TALLY_UNHEALTHY);
    obs_watcher_stop(world, 78, now_us);
    return;
  }
  world->place = 0;
  world->next_us = now_us + INTERVAL_US + sim_random_between(world->random, 0, 20 * SIM_MS);
}

void
obs_watcher_run(ObsWorld *world, gint64 now_us)
{
  switch (world->phase) {
  case OBS_PHASE_WATCHING:
    check(world, now_us);
    break;
  case OBS_PHASE_TERMINATING:
  case OBS_PHASE_KILLING:
    go_on_terminating(world, now_us);
    break;
  case OBS_PHASE_PAUSING:
    start(world, now_us);
    break;
  case OBS_PHASE_STOPPING:
    for (guint i = 0; i < world->places; i++)
      if (world->present[i] != NULL)
        obs_life_kill(world->present[i], now_us, OBS_BY_STOP);
    leave(world, now_us);
    break;
  case OBS_PHASE_LEAVING:
    break;
  }
  if (world->phase == OBS_PHASE_WATCHING && world->place > 0)
    check(world, now_us);
}
