#include "tests/simulation/observe/driver.h"

#define REPORT_INTERVAL_S 3
#define TICK_US (10 * SIM_MS)
#define ASK_AGAIN_US (1 * SIM_S)

static char PROBLEM[] = "corrupt";
static const WdRecovery RECOVERY = {.problem = PROBLEM, .saved = 7};

ObsPending *
obs_driver_plan(ObsDriver *driver, ObsPendingKind kind, ObsLife *life, gint64 at_us)
{
  g_assert(driver->pending_count < OBS_PENDING_MAX);
  ObsPending *pending = &driver->pending[driver->pending_count++];
  *pending = (ObsPending){.kind = kind, .life = life, .at_us = at_us};
  return pending;
}

gint64
obs_driver_later_us(const ObsDriver *driver)
{
  const gboolean late = sim_random_chance(driver->random, 20);
  return driver->now_us +
         sim_random_between(driver->random, 0, late ? driver->eyes.late_us : 5 * SIM_MS);
}

/* After each input: @what it was, and of whom. A tick without an event is no news. */
static void
settle(ObsDriver *driver, const char *what, gint64 pid)
{
  SimTrace *trace = &driver->log->trace;
  g_autoptr(GArray) actions = obs_machine_take_actions(driver->machine);
  OBS_CHECK(driver->log, !driver->oracle.closed || actions->len == 0,
            "an action in a step after watchdog_stopped");
  trace->steps++;
  if (driver->oracle.input != OBS_INPUT_TICK || actions->len > 1)
    sim_trace_line(trace, "%.6f %s %d", (double)driver->now_us / SIM_S, what, (int)pid);
  for (guint i = 0; i < actions->len; i++) {
    const WdAction *action = &g_array_index(actions, WdAction, i);
    sim_trace_action(trace, action);
    obs_oracle_action(&driver->oracle, action);
  }
  obs_oracle_settled(&driver->oracle, driver->machine, actions->len > 0);
}

/* --- processes --- */

static WdFound
look_at(const ObsLife *life, gboolean worker)
{
  /* Two of one name, and a script. */
  static const char *const names[] = {NULL, "a.ext", "a.ext", "b.ext", "c.ext"};
  static const char *const paths[] = {NULL, "/x/a.ext", "/y/a.ext", "/x/b.ext", NULL};
  return (WdFound){
      .role = worker ? WD_ROLE_WORKER : WD_ROLE_EXTENSION,
      .name = worker ? "worker" : names[life->place],
      .path = life->dead ? NULL
              : worker   ? "/bin/osqueryd"
                         : paths[life->place],
      .pid = life->pid,
      .start_ticks = life->born_us / TICK_US,
      .started_us = life->born_us - life->born_us % TICK_US,
      .ended = life->dead,
  };
}

void
obs_driver_begin(ObsDriver *driver)
{
  const ObsLife *life = obs_world_watcher(&driver->world);
  const WdFound watcher = {
      .role = WD_ROLE_WATCHDOG,
      .name = "watchdog",
      .path = "/bin/osqueryd",
      .pid = life->pid,
      .start_ticks = life->born_us / TICK_US,
      .started_us = life->born_us,
  };
  obs_oracle_init(&driver->oracle, driver->log, &driver->world, driver->eyes.clear, driver->now_us);
  driver->machine = obs_machine_new(&watcher, REPORT_INTERVAL_S, driver->now_us);
  settle(driver, "begins", life->pid);
}

static void
plan_limits(ObsDriver *driver, gint64 after_us)
{
  if (driver->eyes.limits_late_us != G_MAXINT64)
    obs_driver_plan(driver, OBS_PENDING_LIMITS, driver->worker,
                    driver->now_us + after_us +
                        sim_random_between(driver->random, 0, driver->eyes.limits_late_us));
}

void
obs_driver_found(ObsDriver *driver, ObsLife *life, gboolean worker)
{
  const WdFound found = look_at(life, worker);
  obs_oracle_found(&driver->oracle, life, &found, driver->now_us);
  obs_machine_found(driver->machine, &found, driver->now_us);
  settle(driver, worker ? "found worker" : "found extension", life->pid);
  if (worker)
    plan_limits(driver, 0);
}

void
obs_driver_gone(ObsDriver *driver, ObsLife *life, gboolean how_known)
{
  const WdExit how = {.code = life->code, .signal = life->signal};
  obs_oracle_gone(&driver->oracle, life, how_known, driver->now_us);
  obs_machine_gone(driver->machine, life->pid, how_known ? &how : NULL, driver->now_us);
  settle(driver, how_known ? "gone" : "gone somehow", life->pid);
}

static void
tell_limits(ObsDriver *driver, const ObsLife *of)
{
  if (driver->worker == NULL || driver->worker->dead)
    return; /* the next worker is asked */
  if (driver->worker != of) {
    plan_limits(driver, ASK_AGAIN_US);
    return;
  }
  obs_oracle_other(&driver->oracle, OBS_INPUT_LIMITS, driver->now_us);
  obs_machine_step(driver->machine,
                   &(WdInput){.kind = WD_INPUT_LIMITS, .limits = &driver->world.limits},
                   driver->now_us);
  settle(driver, "limits of", of->pid);
}

/* --- samples --- */

/* Returns: FALSE when nothing could be read. */
static gboolean
sample(const ObsDriver *driver, const ObsLife *life, WdSample *sample)
{
  const gint64 at_us = life->dead ? life->death_us : driver->now_us;
  if (life->reaped || sim_random_chance(driver->random, driver->eyes.samples_missing_percent))
    return FALSE;
  *sample = (WdSample){
      .user_ms = obs_life_cpu_ms(life, at_us, driver->world.limits.cpus),
      .resident_bytes = life->dead ? 0 : obs_life_resident(life, at_us),
      .private_bytes = WD_NONE,
      .threads = 1,
      .ppid = obs_world_watcher(&driver->world)->dead ? 1 : obs_world_watcher(&driver->world)->pid,
  };
  return TRUE;
}

void
obs_driver_tick(ObsDriver *driver)
{
  WdSample values[OBS_SLOTS_MAX];
  const WdSample *samples[OBS_SLOTS_MAX] = {NULL};
  ObsLife *missed[OBS_SLOTS_MAX];
  guint missed_count = 0;
  obs_oracle_other(&driver->oracle, OBS_INPUT_TICK, driver->now_us);
  for (guint i = 0; i < obs_machine_count(driver->machine); i++) {
    if (!obs_machine_wants_sample(driver->machine, i, driver->now_us))
      continue;
    obs_oracle_sampled(&driver->oracle, i, driver->now_us);
    const ObsView *view = driver->oracle.slots[i].present;
    if (sample(driver, view->life, &values[i]))
      samples[i] = &values[i];
    else
      obs_count(driver->log, OBS_TALLY_SAMPLES_MISSING);
    if (samples[i] == NULL && view->life->dead)
      missed[missed_count++] = &driver->world.lives[view->life->number];
  }
  obs_machine_step(driver->machine, &(WdInput){.kind = WD_INPUT_TICK, .samples = samples},
                   driver->now_us);
  settle(driver, "tick", 0);
  for (guint i = 0; i < missed_count; i++)
    obs_family_missed(driver, missed[i]);
}

/* --- reports --- */

static void
plan_report(ObsDriver *driver)
{
  gint64 after_us = REPORT_INTERVAL_S * SIM_S + sim_random_between(driver->random, 0, 500 * SIM_MS);
  if (sim_random_chance(driver->random, 3))
    after_us = sim_random_between(driver->random, 0, 40 * SIM_S);
  obs_driver_plan(driver, OBS_PENDING_REPORT, NULL, driver->now_us + after_us);
}

static void
make_report(ObsDriver *driver)
{
  ObsLife *worker = driver->world.present[0];
  plan_report(driver);
  if (worker == NULL || worker->dead || driver->now_us < worker->ready_us)
    return;
  obs_world_register(&driver->world, driver->now_us);
  WdReport *report = g_new0(WdReport, 1);
  report->kind = WD_REPORT_REGISTRATIONS;
  report->worker_pid = worker->pid + sim_random_chance(driver->random, 2);
  report->registrations.responsive = sim_random_chance(driver->random, 80);
  report->registrations.listed = sim_random_chance(driver->random, 90);
  for (guint i = 1; i < driver->world.places; i++) {
    const ObsLife *life = driver->world.present[i];
    if (life != NULL && life->uuid != 0 && life->registered_with == worker->number)
      report->registrations.extensions[report->registrations.n_extensions++] =
          (WdReportedExtension){.pid = life->pid,
                                .uuid = life->uuid,
                                .responsive = sim_random_chance(driver->random, 80)};
  }
  obs_driver_plan(driver, OBS_PENDING_REPORTED, worker, obs_driver_later_us(driver))->report =
      report;
}

static void
tell_report(ObsDriver *driver, const ObsPending *pending)
{
  if (pending->life->pid == pending->report->worker_pid)
    obs_family_serves(driver, pending->life);
  obs_oracle_reported(&driver->oracle, pending->report, driver->now_us);
  obs_machine_step(driver->machine, &(WdInput){.kind = WD_INPUT_REPORT, .report = pending->report},
                   driver->now_us);
  settle(driver, "report of", pending->report->worker_pid);
  g_free(pending->report);
}

/* --- the store, and the end --- */

void
obs_driver_tell_store(ObsDriver *driver)
{
  const gboolean lost = sim_random_chance(driver->random, 50);
  if (!driver->oracle.closed)
    obs_oracle_store(&driver->oracle, lost ? WD_EVENT_EVENTS_LOST : WD_EVENT_HISTORY_RECOVERED,
                     driver->now_us);
  if (lost)
    obs_machine_step(driver->machine, &(WdInput){.kind = WD_INPUT_EVENTS_LOST, .lost = 3},
                     driver->now_us);
  else
    obs_machine_step(driver->machine,
                     &(WdInput){.kind = WD_INPUT_HISTORY_RECOVERED, .recovery = &RECOVERY},
                     driver->now_us);
  settle(driver, "store", 0);
}

void
obs_driver_stop(ObsDriver *driver)
{
  for (guint i = 0; i < driver->pending_count; i++)
    if (driver->pending[i].kind == OBS_PENDING_EVENT && sim_random_chance(driver->random, 70))
      obs_family_hear(driver, driver->pending[i].life);
  obs_family_tell_ends(driver);
  obs_oracle_stopped(&driver->oracle, driver->now_us);
  obs_machine_step(driver->machine, &(WdInput){.kind = WD_INPUT_STOP}, driver->now_us);
  settle(driver, "stop", 0);
}

void
obs_driver_deliver(ObsDriver *driver, guint index)
{
  const ObsPending pending = driver->pending[index];
  driver->pending[index] = driver->pending[--driver->pending_count];
  switch (pending.kind) {
  case OBS_PENDING_EVENT:
    obs_family_hear(driver, pending.life);
    break;
  case OBS_PENDING_READY:
    obs_family_missed(driver, pending.life);
    break;
  case OBS_PENDING_OVERDUE:
    obs_family_tell_ends(driver);
    break;
  case OBS_PENDING_LIMITS:
    tell_limits(driver, pending.life);
    break;
  case OBS_PENDING_REPORT:
    make_report(driver);
    break;
  case OBS_PENDING_REPORTED:
    tell_report(driver, &pending);
    break;
  case OBS_PENDING_STORE:
    obs_driver_tell_store(driver);
    obs_driver_plan(driver, OBS_PENDING_STORE, NULL,
                    driver->now_us + sim_random_between(driver->random, 0, 1000 * SIM_S));
    break;
  case OBS_PENDING_STOP:
    obs_driver_stop(driver);
    break;
  }
}
