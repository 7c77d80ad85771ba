#include "tests/simulation/observe/oracle.h"

/* A back-off that is no longer than the way to the next check can't be told from none. */
#define EVIDENT_S 5

/* --- its back-off --- */

/* What the watcher really did can be compared: it was busy with nothing else, and nothing was
 * hidden. */
static gboolean
is_comparable(const ObsOracle *oracle)
{
  return oracle->counts_exact && !oracle->world->limits.enforce_extensions &&
         oracle->world->limits.max_delay_s >= EVIDENT_S &&
         oracle->world->limits.respawn_delay_s >= EVIDENT_S;
}

void
obs_oracle_delayed(ObsOracle *oracle, const WdEvent *event)
{
  const ObsView *gone = oracle->worker_gone;
  OBS_CHECK(oracle->log, oracle->limits_known, "no limit is known");
  OBS_CHECK(oracle->log, gone != NULL && event->cause_seq == gone->end_seq, "the cause of a delay");
  OBS_CHECK(oracle->log, !oracle->delayed, "delayed twice");
  OBS_CHECK(oracle->log, oracle->slots[WD_PROCESS_WORKER].present == NULL, "the worker runs");
  OBS_CHECK(oracle->log,
            gone->life->death_us - gone->life->born_us < oracle->world->limits.quick_exit_s * SIM_S,
            "the worker didn't end quickly");
  OBS_CHECK(oracle->log, event->reason == oracle->worker_gone_reason, "the reason of a delay");
  OBS_CHECK(oracle->log, event->restarts == oracle->slots[WD_PROCESS_WORKER].starts - 1,
            "restarts");
  oracle->delayed = TRUE;
  oracle->delay_s = event->delay_s;
  obs_count(oracle->log, OBS_TALLY_DELAYED);
  if (gone->life->reaped && gone->life->pause_s == 0)
    obs_count(oracle->log, OBS_TALLY_DELAYED_MISTAKEN);
}

void
obs_oracle_worker_returned(const ObsOracle *oracle)
{
  if (oracle->worker_gone == NULL || !is_comparable(oracle))
    return;
  const gint64 pause_s = oracle->worker_gone->life->pause_s;
  OBS_CHECK(oracle->log, oracle->delayed == (pause_s > 0),
            "the watcher held the worker back for %d s", (int)pause_s);
  obs_count(oracle->log, OBS_TALLY_DELAYED_CHECKED);
}

/* --- its end --- */

void
obs_oracle_gave_up(ObsOracle *oracle, const WdEvent *event)
{
  const ObsView *gone = oracle->worker_gone;
  const ObsView *watcher = &oracle->views[0];
  OBS_CHECK(oracle->log, oracle->input == OBS_INPUT_STOP || (watcher->gone && !oracle->closed),
            "the watcher lives on");
  OBS_CHECK(oracle->log,
            gone != NULL && event->cause_seq == gone->end_seq &&
                event->reason == oracle->worker_gone_reason,
            "the cause of giving up");
  OBS_CHECK(oracle->log, oracle->slots[WD_PROCESS_WORKER].present == NULL, "the worker runs");
  OBS_CHECK(oracle->log, oracle->limits_known, "no limit is known");
  OBS_CHECK(oracle->log, oracle->quick_exits >= oracle->world->limits.respawn_limit,
            "%d quick exits are too few", (int)oracle->quick_exits);
  OBS_CHECK(oracle->log, !watcher->how_known || watcher->life->code == 1, "another exit code");
  oracle->give_up_seq = event->seq;
  oracle->stopped = TRUE;
  obs_count(oracle->log, OBS_TALLY_LIMIT_REACHED);
}

static void
check_cause(const ObsOracle *oracle, const WdEvent *event)
{
  const ObsView *watcher = &oracle->views[0];
  const ObsView *gone = oracle->worker_gone;
  const gboolean catastrophic = !watcher->how_known || watcher->life->code == 78;
  if (event->cause_seq == 0)
    return;
  if (event->cause_seq == watcher->limit_seq)
    OBS_CHECK(oracle->log, watcher->gone && catastrophic, "not the watcher's limit");
  else if (gone != NULL && event->cause_seq == gone->end_seq)
    OBS_CHECK(oracle->log, catastrophic && gone->how_known && gone->life->code == 78,
              "not the worker's end");
  else
    OBS_CHECK(oracle->log, event->cause_seq == oracle->give_up_seq, "the cause of the end");
}

void
obs_oracle_run_closed(ObsOracle *oracle, const WdEvent *event)
{
  const ObsView *watcher = &oracle->views[0];
  ObsExpected taken;
  OBS_CHECK(oracle->log,
            obs_oracle_take(oracle, WD_EVENT_WATCHDOG_STOPPED, watcher, &taken) != NULL,
            "the run isn't over");
  OBS_CHECK(oracle->log, event->reason == taken.reason, "the reason of the end");
  OBS_CHECK(oracle->log,
            event->exit_code == (watcher->how_known ? watcher->life->code : WD_NONE) &&
                event->exit_signal == (watcher->how_known ? watcher->life->signal : WD_NONE),
            "how the watcher ended");
  check_cause(oracle, event);
  oracle->stopped =
      oracle->stopped || (event->cause_seq != 0 && event->cause_seq != watcher->limit_seq);
  const gboolean gave_up = oracle->world->too_many && watcher->gone && watcher->how_known;
  if (is_comparable(oracle) && watcher->gone && watcher->how_known)
    OBS_CHECK(oracle->log, gave_up == (oracle->give_up_seq != 0), "the watcher %s",
              gave_up ? "gave up" : "didn't give up");
  if (oracle->clear && watcher->how_known && watcher->life->signal == WD_NONE)
    obs_oracle_check_stop(oracle);
  oracle->closed = TRUE;
  obs_count(oracle->log, taken.reason == WD_REASON_REQUEST ? OBS_TALLY_STOPPED_BY_REQUEST
                                                           : OBS_TALLY_STOPPED_BY_END);
}
