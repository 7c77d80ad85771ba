#include "tests/simulation/observe/oracle.h"

#include <signal.h>

#define INTERVAL_US (WD_CHECK_INTERVAL_S * SIM_S)
#define REAP_US (2 * SIM_S)
#define LAST_INTERVAL_US (1 * SIM_S)
#define ROUNDING_MS 2
#define LOOK_LATE_US (300 * SIM_MS)
/* An extension goes so soon after its worker. */
#define FOLLOW_US (10 * SIM_S)
/* An end waits so long for its cause. */
#define HELD_US (2 * SIM_S)
/* Whatever is over a limit of memory for so long is looked at. */
#define SEEN_US (1500 * SIM_MS)
#define LARGE_LIMIT_SEEN_US (4 * SIM_S)
/* By this age the memory that growth counts from is known. */
#define BASELINE_US (7 * SIM_S)

/* --- the truth --- */

static gint64
strikes_needed(const WdLimits *limits)
{
  return MAX((limits->latency_limit_s + WD_CHECK_INTERVAL_S - 1) / WD_CHECK_INTERVAL_S, 1);
}

/* A worker's start moves the machine's checks, and so may shorten an interval of an extension's. */
static gboolean
was_over_cpu(const ObsOracle *oracle, const ObsLife *life)
{
  const WdLimits *limits = &oracle->world->limits;
  const gint64 until_us = life->dead ? MIN(life->death_us, oracle->now_us) : oracle->now_us;
  const gint64 strikes = strikes_needed(limits);
  const gint64 moved = life->role == WD_ROLE_EXTENSION ? 1 : 0;
  const gint64 least_us = MAX(strikes - 1 - moved, 0) * INTERVAL_US + LAST_INTERVAL_US;
  const gint64 spun_us = MIN(until_us, life->spins_until_us) - life->spins_from_us;
  const gint64 used_ms = MIN(spun_us, least_us) / SIM_MS * life->spin_percent * limits->cpus / 100;
  return used_ms + strikes * ROUNDING_MS >
         least_us / SIM_MS * limits->utilization_limit * limits->cpus / 100;
}

static gint64
growth(const ObsLife *life, gint64 from_us, gint64 to_us)
{
  return obs_life_resident(life, to_us) - obs_life_resident(life, from_us);
}

static gboolean
is_over(const ObsOracle *oracle, const ObsLife *life, WdReason reason)
{
  if (reason == WD_REASON_CPU)
    return life->role != WD_ROLE_WATCHDOG && was_over_cpu(oracle, life);
  return reason == WD_REASON_MEMORY &&
         growth(life, life->born_us, oracle->now_us) > oracle->world->limits.memory_limit_bytes;
}

/* From when on a look that shows @view over its limit counts. */
static gint64
enforced_from_us(const ObsOracle *oracle, const ObsView *view)
{
  const WdLimits *limits = &oracle->world->limits;
  if (!limits->enforce || !oracle->limits_known ||
      (view->role == WD_ROLE_EXTENSION && !limits->enforce_extensions))
    return G_MAXINT64;
  if (view->role == WD_ROLE_WATCHDOG)
    return view->started_us;
  return oracle->worker == NULL ? G_MAXINT64
                                : oracle->worker->started_us + limits->watchdog_delay_s * SIM_S;
}

/* The watcher acts at its next check, and then the process has so long. */
static gint64
window_us(const ObsOracle *oracle)
{
  return INTERVAL_US + oracle->world->limits.forced_shutdown_delay_s * SIM_S + REAP_US;
}

/* --- over a limit --- */

void
obs_oracle_exceeded(ObsOracle *oracle, ObsView *view, const WdEvent *event)
{
  const WdLimits *limits = &oracle->world->limits;
  OBS_CHECK(oracle->log,
            oracle->input == OBS_INPUT_TICK || oracle->input == OBS_INPUT_GONE ||
                oracle->input == OBS_INPUT_FOUND,
            "nobody has looked");
  OBS_CHECK(oracle->log, oracle->now_us >= enforced_from_us(oracle, view), "no limit counts yet");
  OBS_CHECK(oracle->log, is_over(oracle, view->life, event->reason), "%s isn't over its limit",
            view->name);
  OBS_CHECK(oracle->log,
            event->reason == WD_REASON_CPU || event->limit_value == limits->memory_limit_bytes,
            "another limit");
  OBS_CHECK(oracle->log, event->measured > event->limit_value, "within the limit");
  OBS_CHECK(oracle->log,
            view->limit_seq == 0 || oracle->now_us > view->limit_us + window_us(oracle),
            "twice in an episode");
  OBS_CHECK(oracle->log, event->cause_seq == 0, "a limit has no cause");
  view->limit_seq = event->seq;
  view->limit_us = oracle->now_us;
  view->limit_reason = event->reason;
  view->measured = event->measured;
  obs_count(oracle->log, OBS_TALLY_EXCEEDED);
}

/* --- ends --- */

static void
check_how(const ObsOracle *oracle, const ObsView *view, const WdEvent *event)
{
  OBS_CHECK(oracle->log,
            event->exit_code == (view->how_known ? view->life->code : WD_NONE) &&
                event->exit_signal == (view->how_known ? view->life->signal : WD_NONE),
            "how %s ended", view->name);
  OBS_CHECK(oracle->log, event->restarts == oracle->slots[view->index].starts - 1, "restarts");
  OBS_CHECK(oracle->log, event->lifetime_ms == (view->gone_us - view->started_us) / SIM_MS,
            "its lifetime");
}

static void
ended(ObsOracle *oracle, ObsView *view, const WdEvent *event)
{
  check_how(oracle, view, event);
  view->end_seq = event->seq;
  /* The reason is that of its end. */
  obs_oracle_unregister(oracle, view, WD_REASON_NONE, view);
  if (view->role != WD_ROLE_WORKER)
    return;
  if (!oracle->limits_known)
    oracle->counts_exact = FALSE;
  oracle->worker_gone = view;
  oracle->worker_gone_us = view->gone_us;
  oracle->worker_gone_reason = event->reason;
  oracle->delayed = FALSE;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->slot_count; i++)
    if (oracle->slots[i].present != NULL)
      obs_oracle_unregister(oracle, oracle->slots[i].present, WD_REASON_WORKER_GONE, view);
  /* What is held is recorded before an end is taken in. */
  if (oracle->ending != NULL && oracle->ending != view && oracle->ending->end_seq == 0)
    obs_oracle_unregister(oracle, oracle->ending, WD_REASON_WORKER_GONE, view);
}

/* The watcher ended it, and no look at it can have missed why. */
static gboolean
is_owed(const ObsOracle *oracle, const ObsView *view)
{
  const ObsLife *life = view->life;
  const WdLimits *limits = &oracle->world->limits;
  if (!oracle->clear || life->cause != OBS_BY_LIMIT || view->role != life->role)
    return FALSE;
  const gint64 seen_us = limits->memory_limit_bytes > 700 * SIM_MB ? LARGE_LIMIT_SEEN_US : SEEN_US;
  const gint64 over_us = life->death_us - seen_us;
  if (over_us > life->born_us + BASELINE_US && over_us > enforced_from_us(oracle, view) &&
      growth(life, life->born_us + BASELINE_US, over_us) > limits->memory_limit_bytes)
    return TRUE;
  /* An interval begun, all strikes but the last, and enough of the last one to be looked at. */
  const gint64 whole_us = strikes_needed(limits) * INTERVAL_US + LAST_INTERVAL_US + LOOK_LATE_US;
  return life->spin_percent > limits->utilization_limit &&
         life->death_us - MAX(life->spins_from_us, life->born_us + INTERVAL_US) > whole_us &&
         life->spins_until_us >= life->death_us &&
         life->death_us - INTERVAL_US - LAST_INTERVAL_US > enforced_from_us(oracle, view);
}

/* A look at a worker over its limit may be late, and so may the end of what it shut down be held.
 */
static gint64
most_held_us(const ObsOracle *oracle, const ObsView *view)
{
  return HELD_US + (view->role == WD_ROLE_EXTENSION && oracle->worker != NULL &&
                            oracle->worker->limit_seq != 0
                        ? window_us(oracle)
                        : 0);
}

/* The worker's end came before that of @view. */
static gboolean
follows_worker(const ObsOracle *oracle, const ObsView *view)
{
  return view->role == WD_ROLE_EXTENSION && oracle->worker_gone != NULL &&
         oracle->worker_gone_us >= view->started_us && oracle->worker_gone_us <= view->gone_us &&
         view->gone_us - oracle->worker_gone_us <= FOLLOW_US &&
         (!view->how_known || view->life->signal == WD_NONE);
}

/* It came after that, so that the worker may have shut it down. */
static gboolean
was_shut_down(const ObsOracle *oracle, const ObsView *view)
{
  return view->role == WD_ROLE_EXTENSION && oracle->worker_gone != NULL &&
         oracle->worker_gone_us > view->gone_us &&
         oracle->worker_gone_us - view->gone_us <= most_held_us(oracle, view) &&
         (!view->how_known || view->life->signal == WD_NONE);
}

void
obs_oracle_exited(ObsOracle *oracle, ObsView *view, const WdEvent *event)
{
  const gboolean follows = event->reason == WD_REASON_WORKER_GONE;
  const WdReason reason = !view->how_known                ? WD_REASON_NONE
                          : view->life->signal != WD_NONE ? WD_REASON_SIGNAL
                                                          : WD_REASON_EXIT;
  OBS_CHECK(oracle->log, !is_owed(oracle, view), "the watcher ended %s, and that could be seen",
            view->name);
  OBS_CHECK(oracle->log,
            follows ? follows_worker(oracle, view) || was_shut_down(oracle, view)
                    : event->reason == reason && !follows_worker(oracle, view),
            "the reason can't be %s", wd_reason_name(event->reason));
  OBS_CHECK(oracle->log, event->cause_seq == (follows ? oracle->worker_gone->end_seq : 0),
            "the cause of an exit");
  OBS_CHECK(oracle->log, event->outcome == WD_OUTCOME_NONE, "an exit has no outcome");
  ended(oracle, view, event);
  obs_count(oracle->log, OBS_TALLY_EXITED);
  if (follows)
    obs_count(oracle->log, OBS_TALLY_EXITED_FOLLOWING);
}

void
obs_oracle_check_held(const ObsOracle *oracle, const ObsMachine *machine)
{
  for (guint i = 1; i < oracle->world->count; i++) {
    const ObsView *view = &oracle->views[i];
    if (!view->gone || view->end_seq != 0)
      continue;
    OBS_CHECK(oracle->log, !oracle->closed, "the end of %s is missing", view->name);
    OBS_CHECK(oracle->log,
              obs_machine_deadline(machine) <= view->gone_us + most_held_us(oracle, view) + HELD_US,
              "the end of %s is held for too long", view->name);
  }
}

/* Asked to, or killed; a worker's alarm may come first; what extensions do is their own affair. */
static gboolean
fits(const ObsView *view)
{
  const ObsLife *life = view->life;
  if (!view->how_known)
    return TRUE;
  if (life->signal != WD_NONE)
    return life->signal == SIGTERM || life->signal == SIGKILL || life->signal == SIGUSR1;
  return view->role == WD_ROLE_EXTENSION || life->code == 0 || life->code == 78;
}

static gboolean
fits_stop(const ObsView *view)
{
  const ObsLife *life = view->life;
  return !view->how_known || life->signal == SIGTERM || life->signal == SIGKILL ||
         (life->signal == WD_NONE && life->code == 0);
}

/* The machine says that the watcher stops. */
static void
stopped(ObsOracle *oracle, ObsView *view, const WdEvent *event)
{
  const gboolean lives = !view->gone;
  OBS_CHECK(oracle->log,
            !oracle->closed && (oracle->input == OBS_INPUT_STOP || oracle->views[0].gone),
            "the watcher lives on");
  OBS_CHECK(oracle->log, !oracle->views[0].how_known || oracle->views[0].life->signal == WD_NONE,
            "the watcher was killed");
  OBS_CHECK(oracle->log, fits_stop(view), "no stop ends like this");
  OBS_CHECK(oracle->log, event->cause_seq == 0, "a stop has no cause");
  OBS_CHECK(oracle->log,
            event->outcome == (lives                           ? WD_OUTCOME_INTERRUPTED
                               : !view->how_known              ? WD_OUTCOME_NONE
                               : view->life->signal == SIGKILL ? WD_OUTCOME_KILLED
                                                               : WD_OUTCOME_GRACEFUL),
            "the outcome");
  if (lives) {
    ObsSlot *slot = &oracle->slots[view->index];
    view->gone = TRUE;
    view->gone_us = oracle->now_us;
    slot->present = NULL;
    slot->code = slot->signal = WD_NONE;
  }
  oracle->stopped = view->stopped = TRUE;
  ended(oracle, view, event);
  obs_count(oracle->log, lives ? OBS_TALLY_STOPPED_LIVING : OBS_TALLY_STOPPED);
  if (view->life->dead && view->life->cause != OBS_BY_STOP)
    obs_count(oracle->log, OBS_TALLY_STOPPED_MISTAKEN);
}

void
obs_oracle_check_stop(const ObsOracle *oracle)
{
  for (guint i = 1; i < oracle->world->count; i++) {
    const ObsView *view = &oracle->views[i];
    const gboolean held = view->end_seq != 0 && view->gone_us + HELD_US > oracle->now_us;
    if (held && view->life->cause == OBS_BY_STOP && view->limit_seq == 0 && fits_stop(view) &&
        !follows_worker(oracle, view) && !was_shut_down(oracle, view))
      OBS_CHECK(oracle->log, view->stopped, "the watcher stopped %s", view->name);
  }
}

void
obs_oracle_terminated(ObsOracle *oracle, ObsView *view, const WdEvent *event)
{
  if (event->reason == WD_REASON_REQUEST) {
    stopped(oracle, view, event);
    return;
  }
  const WdOutcome outcome = !view->how_known                ? WD_OUTCOME_NONE
                            : view->life->signal == SIGKILL ? WD_OUTCOME_KILLED
                                                            : WD_OUTCOME_GRACEFUL;
  OBS_CHECK(oracle->log, view->limit_seq != 0 && event->cause_seq == view->limit_seq,
            "the cause of a termination");
  OBS_CHECK(oracle->log, event->reason == view->limit_reason && event->measured == view->measured,
            "not what was over its limit");
  OBS_CHECK(oracle->log, oracle->now_us <= MAX(view->limit_us, view->looked_us) + window_us(oracle),
            "too late for a termination");
  OBS_CHECK(oracle->log, fits(view), "no termination ends like this");
  OBS_CHECK(oracle->log, event->outcome == outcome, "the outcome");
  ended(oracle, view, event);
  oracle->slots[view->index].terminations++;
  obs_count(oracle->log, OBS_TALLY_TERMINATED);
  if (view->life->cause != OBS_BY_LIMIT)
    obs_count(oracle->log, OBS_TALLY_MISTAKEN);
  if (is_owed(oracle, view))
    obs_count(oracle->log, OBS_TALLY_OWED);
}
