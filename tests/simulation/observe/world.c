#include "tests/simulation/observe/world.h"

#include <signal.h>

#define FIRST_PID 100
#define PIDS 60

gboolean
obs_world_full(const ObsWorld *world)
{
  return world->count + OBS_PLACES_MAX >= OBS_LIVES_MAX;
}

/* --- births --- */

static gboolean
pid_is_used(const ObsWorld *world, gint64 pid)
{
  gboolean used = obs_world_watcher(world)->pid == pid;
  for (guint i = 0; i < world->places; i++)
    used = used || (world->present[i] != NULL && !world->present[i]->reaped &&
                    world->present[i]->pid == pid);
  return used;
}

/* Mostly the next one, as kernels do; sometimes one that was used a moment ago. */
static gint64
take_pid(ObsWorld *world)
{
  do
    world->last_pid = FIRST_PID + (sim_random_chance(world->random, 95)
                                       ? (world->last_pid - FIRST_PID + 1) % PIDS
                                       : sim_random_between(world->random, 0, PIDS - 1));
  while (pid_is_used(world, world->last_pid));
  return world->last_pid;
}

ObsLife *
obs_world_bear(ObsWorld *world, guint place, gint64 now_us)
{
  g_assert(world->count < OBS_LIVES_MAX);
  const gint64 pid = take_pid(world);
  for (guint i = 0; i < world->count; i++)
    if (world->lives[i].pid == pid) {
      obs_count(world->log, OBS_TALLY_PIDS_REUSED);
      break;
    }
  ObsLife *life = &world->lives[world->count];
  *life = (ObsLife){
      .number = world->count++,
      .role = place == 0 ? WD_ROLE_WORKER : WD_ROLE_EXTENSION,
      .place = place,
      .pid = pid,
      .born_us = now_us,
  };
  const gboolean typical = sim_random_chance(world->random, 75);
  obs_life_begin(life,
                 typical ? world->tempers[place]
                         : (ObsTemper)sim_random_between(world->random, 0, OBS_TEMPER_COUNT - 1),
                 world->random);
  obs_count(world->log, OBS_TALLY_STARTS);
  if (life->ready_us == G_MAXINT64)
    obs_count(world->log, OBS_TALLY_EXEC_FAILURES);
  return life;
}

/* --- the watcher's limits --- */

static WdLimits
choose_limits(SimRandom *random)
{
  const WdLimitFlags flags = {
      .level = SIM_RANDOM_PICK(random, 0, 0, 0, 0, 1, -1),
      .memory_limit_mb = sim_random_chance(random, 30) ? sim_random_between(random, 20, 400) : 0,
      .utilization_limit = sim_random_chance(random, 30) ? sim_random_between(random, 5, 100) : 0,
      .latency_limit_s = sim_random_chance(random, 30) ? sim_random_between(random, 1, 30) : 0,
  };
  WdLimits limits = {
      .enforce = sim_random_chance(random, 90),
      .enforce_extensions = sim_random_chance(random, 40),
      .memory_metric = WD_METRIC_GROWTH,
      .watchdog_delay_s = SIM_RANDOM_PICK(random, 0, 0, 1, 5, 20, 60),
      .forced_shutdown_delay_s = SIM_RANDOM_PICK(random, 0, 1, 4, 4, 4, 10),
      .max_delay_s = SIM_RANDOM_PICK(random, 600, 600, 600, 12, 6, 1, 0),
      .cpus = (guint)sim_random_between(random, 1, 8),
  };
  wd_limits_resolve(&limits, &flags);
  return limits;
}

gint64
obs_world_enforced_from_us(const ObsWorld *world, const ObsLife *life)
{
  if (!world->limits.enforce ||
      (life->role == WD_ROLE_EXTENSION && !world->limits.enforce_extensions))
    return G_MAXINT64;
  if (life->role == WD_ROLE_WATCHDOG)
    return life->born_us;
  const ObsLife *worker = world->present[0];
  return worker == NULL ? G_MAXINT64 : worker->born_us + world->limits.watchdog_delay_s * SIM_S;
}

/* --- the world --- */

static void
begin_watcher(ObsWorld *world, gint64 now_us)
{
  ObsLife *watcher = &world->lives[world->count++];
  *watcher = (ObsLife){.role = WD_ROLE_WATCHDOG, .pid = take_pid(world), .born_us = now_us};
  obs_life_begin(watcher, OBS_TEMPER_CALM, world->random);
  watcher->death_us = G_MAXINT64; /* its fate is not a child's */
  watcher->code = watcher->signal = WD_NONE;
  watcher->cause = OBS_BY_ITSELF;
  if (sim_random_chance(world->random, 10))
    obs_life_die(watcher, now_us + sim_random_between(world->random, 0, 2000 * SIM_S), WD_NONE,
                 SIGKILL, OBS_BY_SOMEBODY);
  world->asked_us = sim_random_chance(world->random, 20)
                        ? now_us + sim_random_between(world->random, 0, 2000 * SIM_S)
                        : G_MAXINT64;
}

void
obs_world_init(ObsWorld *world, SimRandom *random, ObsLog *log, gint64 now_us)
{
  *world = (ObsWorld){
      .random = random,
      .log = log,
      .limits = choose_limits(random),
      .lives = g_new(ObsLife, OBS_LIVES_MAX),
      .places = 1 + (guint)sim_random_between(random, 0, OBS_PLACES_MAX - 1),
      .own_baseline_bytes = WD_NONE,
      .last_pid = FIRST_PID + sim_random_between(random, 0, PIDS - 1),
      .next_us = now_us,
  };
  for (guint i = 0; i < OBS_PLACES_MAX; i++) {
    world->tempers[i] = (ObsTemper)sim_random_between(random, 0, OBS_TEMPER_COUNT - 1);
    world->baseline_bytes[i] = WD_NONE;
  }
  begin_watcher(world, now_us);
}

void
obs_world_clear(ObsWorld *world)
{
  g_free(world->lives);
}

/* Of those that live: the one that dies first. */
static ObsLife *
next_to_die(const ObsWorld *world)
{
  ObsLife *next = obs_world_watcher(world);
  for (guint i = 0; i < world->places; i++) {
    ObsLife *life = world->present[i];
    if (life != NULL && !life->dead && (next->dead || life->death_us < next->death_us))
      next = life;
  }
  return next;
}

static gint64
thread_us(const ObsWorld *world)
{
  if (obs_world_watcher(world)->dead)
    return G_MAXINT64;
  return world->phase < OBS_PHASE_STOPPING ? MIN(world->next_us, world->asked_us) : world->next_us;
}

gint64
obs_world_next_us(const ObsWorld *world)
{
  const ObsLife *next = next_to_die(world);
  return MIN(next->dead ? G_MAXINT64 : next->death_us, thread_us(world));
}

/* What was started with an SDK goes with its worker. */
static void
let_follow(const ObsWorld *world, gint64 now_us)
{
  for (guint i = 1; i < world->places; i++) {
    ObsLife *life = world->present[i];
    if (life != NULL && life->follow_delay_us != G_MAXINT64)
      obs_life_die(life, now_us + life->follow_delay_us, SIM_RANDOM_PICK(world->random, 0, 1),
                   WD_NONE, OBS_BY_WORKER);
  }
}

static void
count_death(const ObsWorld *world, const ObsLife *life)
{
  if (life->cause == OBS_BY_SOMEBODY && life->role != WD_ROLE_WATCHDOG)
    obs_count(world->log, OBS_TALLY_MURDERS);
  if (life->cause == OBS_BY_SOMEBODY && life->role == WD_ROLE_WATCHDOG)
    obs_count(world->log, OBS_TALLY_WATCHERS_KILLED);
  if (life->cause == OBS_BY_WORKER)
    obs_count(world->log, OBS_TALLY_FOLLOWED);
}

static ObsLife *
die(ObsWorld *world, ObsLife *life)
{
  const gint64 now_us = life->death_us;
  life->dead = TRUE;
  count_death(world, life);
  if (life->role == WD_ROLE_WATCHDOG)
    return life;
  if (life->role == WD_ROLE_WORKER)
    let_follow(world, now_us);
  if (!obs_world_watcher(world)->dead)
    obs_watcher_child_died(world, now_us);
  return life;
}

ObsLife *
obs_world_happen(ObsWorld *world)
{
  ObsLife *next = next_to_die(world);
  const gint64 now_us = obs_world_next_us(world);
  if (!next->dead && next->death_us == now_us)
    return die(world, next);
  if (world->phase < OBS_PHASE_STOPPING && now_us == world->asked_us) {
    obs_count(world->log, OBS_TALLY_WATCHERS_STOPPED);
    obs_watcher_stop(world, 0, now_us);
  } else {
    obs_watcher_run(world, now_us);
  }
  return NULL;
}

void
obs_world_register(ObsWorld *world, gint64 now_us)
{
  const ObsLife *worker = world->present[0];
  for (guint i = 1; i < world->places; i++) {
    ObsLife *life = world->present[i];
    if (life == NULL || life->dead || now_us < life->ready_us || life->never_registers)
      continue;
    const gboolean registered = life->uuid != 0 && life->registered_with == worker->number;
    if (registered && sim_random_chance(world->random, 97))
      continue;
    life->uuid = registered || sim_random_chance(world->random, 30) ? 0 : ++world->last_uuid;
    life->registered_with = worker->number;
  }
}
