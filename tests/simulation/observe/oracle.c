#include "tests/simulation/observe/oracle.h"

/* How often rows are looked at that nothing should have changed. */
#define UNCHANGED_ROWS 16

void
obs_oracle_init(ObsOracle *oracle, ObsLog *log, const ObsWorld *world, gboolean clear,
                gint64 now_us)
{
  *oracle = (ObsOracle){
      .log = log,
      .world = world,
      .clear = clear,
      .views = g_new0(ObsView, OBS_LIVES_MAX),
      .slot_count = WD_PROCESS_FIRST_EXTENSION,
      .began_us = now_us,
      .now_us = now_us,
      .worker_gone_us = WD_NONE,
      .delay_s = WD_NONE,
      .counts_exact = clear,
  };
  for (guint i = 0; i < OBS_LIVES_MAX; i++) {
    oracle->views[i].life = &world->lives[i];
    oracle->views[i].registered = oracle->views[i].uuid = WD_NONE;
    oracle->views[i].looked_us = WD_NONE;
  }
  for (guint i = 0; i < OBS_SLOTS_MAX; i++)
    oracle->slots[i].code = oracle->slots[i].signal = WD_NONE;
  ObsView *watcher = &oracle->views[0];
  watcher->found = TRUE;
  watcher->name = "watchdog";
  watcher->started_us = world->lives[0].born_us;
  oracle->slots[WD_PROCESS_WATCHDOG].present = watcher;
  oracle->expected[oracle->expected_count++] =
      (ObsExpected){.kind = WD_EVENT_WATCHDOG_STARTED, .view = watcher};
}

void
obs_oracle_clear(ObsOracle *oracle)
{
  g_free(oracle->views);
}

/* --- inputs --- */

static void
expect(ObsOracle *oracle, WdEventKind kind, ObsView *view, WdReason reason, const ObsView *cause)
{
  g_assert(oracle->expected_count < OBS_EXPECTED_MAX);
  oracle->expected[oracle->expected_count++] =
      (ObsExpected){.kind = kind, .view = view, .reason = reason, .cause = cause};
}

void
obs_oracle_other(ObsOracle *oracle, ObsInput input, gint64 now_us)
{
  oracle->input = input;
  oracle->ending = NULL;
  oracle->now_us = now_us;
  oracle->delay_s = WD_NONE;
  oracle->limits_known = oracle->limits_known || input == OBS_INPUT_LIMITS;
}

void
obs_oracle_unregister(ObsOracle *oracle, ObsView *view, WdReason reason, const ObsView *cause)
{
  if (view->registered == TRUE)
    expect(oracle, WD_EVENT_EXTENSION_UNREGISTERED, view, reason, cause);
  if (view->registered != WD_NONE)
    view->registered = FALSE;
  view->uuid = WD_NONE;
}

static void
end(ObsOracle *oracle, ObsView *view, gboolean how_known)
{
  view->gone = TRUE;
  view->gone_us = oracle->now_us;
  view->how_known = how_known;
  ObsSlot *slot = &oracle->slots[view->index];
  slot->present = NULL;
  slot->code = how_known ? view->life->code : WD_NONE;
  slot->signal = how_known ? view->life->signal : WD_NONE;
}

/* Nothing but its name is left of it, and several have that, or one that runs. */
static gboolean
may_be_any(const ObsOracle *oracle, const WdFound *found)
{
  guint known = 0, gone = 0;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->slot_count; i++)
    if (g_str_equal(oracle->slots[i].name, found->name)) {
      known++;
      gone += oracle->slots[i].present == NULL;
    }
  return found->role == WD_ROLE_EXTENSION && found->ended && known > 0 && gone != 1;
}

void
obs_oracle_found(ObsOracle *oracle, const ObsLife *life, const WdFound *found, gint64 now_us)
{
  ObsView *view = &oracle->views[life->number];
  obs_oracle_other(oracle, OBS_INPUT_FOUND, now_us);
  if (oracle->closed)
    return;
  obs_count(oracle->log, OBS_TALLY_FOUND);
  if (life->dead)
    obs_count(oracle->log, OBS_TALLY_FOUND_DEAD);
  if (may_be_any(oracle, found)) {
    obs_count(oracle->log, OBS_TALLY_UNKNOWN);
    return;
  }
  if (found->role == WD_ROLE_WORKER && oracle->slots[WD_PROCESS_WORKER].present != NULL) {
    obs_count(oracle->log, OBS_TALLY_REPLACED);
    end(oracle, oracle->slots[WD_PROCESS_WORKER].present, FALSE);
  }
  view->found = TRUE;
  view->role = found->role;
  view->name = found->name;
  view->path = found->path;
  view->started_us = found->started_us;
  expect(oracle, WD_EVENT_PROCESS_STARTED, view, WD_REASON_NONE, NULL);
}

void
obs_oracle_gone(ObsOracle *oracle, const ObsLife *life, gboolean how_known, gint64 now_us)
{
  ObsView *view = &oracle->views[life->number];
  obs_oracle_other(oracle, OBS_INPUT_GONE, now_us);
  if (oracle->closed || !obs_view_lives(view)) {
    obs_count(oracle->log, OBS_TALLY_ENDS_AGAIN);
    return;
  }
  obs_count(oracle->log, how_known ? OBS_TALLY_ENDS_WITH_CODE : OBS_TALLY_ENDS_WITHOUT);
  if (life->role != WD_ROLE_WATCHDOG) {
    oracle->ending = view;
    end(oracle, view, how_known);
    return;
  }
  view->gone = TRUE;
  view->how_known = how_known;
  oracle->stopped = how_known && life->signal == WD_NONE;
  oracle->slots[WD_PROCESS_WATCHDOG].present = NULL;
  oracle->slots[WD_PROCESS_WATCHDOG].code = how_known ? life->code : WD_NONE;
  oracle->slots[WD_PROCESS_WATCHDOG].signal = how_known ? life->signal : WD_NONE;
  expect(oracle, WD_EVENT_WATCHDOG_STOPPED, view,
         !how_known                ? WD_REASON_NONE
         : life->signal != WD_NONE ? WD_REASON_SIGNAL
                                   : WD_REASON_EXIT,
         NULL);
}

void
obs_oracle_stopped(ObsOracle *oracle, gint64 now_us)
{
  obs_oracle_other(oracle, OBS_INPUT_STOP, now_us);
  if (!oracle->closed)
    expect(oracle, WD_EVENT_WATCHDOG_STOPPED, &oracle->views[0], WD_REASON_REQUEST, NULL);
}

void
obs_oracle_store(ObsOracle *oracle, WdEventKind kind, gint64 now_us)
{
  obs_oracle_other(oracle, OBS_INPUT_STORE, now_us);
  expect(oracle, kind, &oracle->views[0], WD_REASON_NONE, NULL);
}

void
obs_oracle_sampled(ObsOracle *oracle, guint index, gint64 now_us)
{
  ObsView *view = oracle->slots[index].present;
  OBS_CHECK(oracle->log, view != NULL, "a sample of %u is wanted, which doesn't run", index);
  view->looked_us = now_us;
}

static const WdReportedExtension *
entry_in(const WdReport *report, gint64 pid)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++)
    if (report->registrations.extensions[i].pid == pid)
      return &report->registrations.extensions[i];
  return NULL;
}

static void
pinged(ObsOracle *oracle, ObsView *view, gboolean answered)
{
  switch (sim_pings_take(&view->pings, answered, oracle->now_us)) {
  case SIM_PINGS_STOP:
    expect(oracle, WD_EVENT_UNRESPONSIVE, view, WD_REASON_NONE, NULL);
    break;
  case SIM_PINGS_AGAIN:
    expect(oracle, WD_EVENT_RESPONSIVE, view, WD_REASON_NONE, NULL);
    break;
  case SIM_PINGS_SAME:
    break;
  }
}

static void
reported_extension(ObsOracle *oracle, ObsView *view, const WdReportedExtension *entry)
{
  const gint64 uuid = entry != NULL ? entry->uuid : WD_NONE;
  if (view->registered == TRUE && uuid != view->uuid)
    obs_oracle_unregister(oracle, view, WD_REASON_REGISTRATION, NULL);
  if (uuid != WD_NONE && view->registered != TRUE)
    expect(oracle, WD_EVENT_EXTENSION_REGISTERED, view, WD_REASON_NONE, NULL);
  view->registered = uuid != WD_NONE;
  view->uuid = uuid;
  if (entry != NULL || view->pings.since_us != 0)
    pinged(oracle, view, entry != NULL && entry->responsive);
}

void
obs_oracle_reported(ObsOracle *oracle, const WdReport *report, gint64 now_us)
{
  ObsView *worker = oracle->slots[WD_PROCESS_WORKER].present;
  obs_oracle_other(oracle, OBS_INPUT_REPORT, now_us);
  if (worker == NULL || worker->life->pid != report->worker_pid) {
    obs_count(oracle->log, OBS_TALLY_STALE_REPORTS);
    return;
  }
  if (oracle->closed)
    return;
  pinged(oracle, worker, report->registrations.responsive);
  if (!report->registrations.listed)
    return;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < oracle->slot_count; i++) {
    ObsView *view = oracle->slots[i].present;
    if (view != NULL)
      reported_extension(oracle, view, entry_in(report, view->life->pid));
  }
}

void
obs_oracle_settled(ObsOracle *oracle, const ObsMachine *machine, gboolean changed)
{
  OBS_CHECK(oracle->log, oracle->expected_count == 0, "%s of %s is missing",
            wd_event_kind_name(oracle->expected[0].kind), oracle->expected[0].view->name);
  if (changed || oracle->log->trace.steps % UNCHANGED_ROWS == 0)
    obs_oracle_check_rows(oracle, machine);
  obs_oracle_check_held(oracle, machine);
  obs_oracle_check_progress(oracle, machine);
}
