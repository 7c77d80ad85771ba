#include "tests/simulation/observe/oracle.h"

#include <string.h>

#define TICK_US (10 * SIM_MS)

const ObsExpected *
obs_oracle_take(ObsOracle *oracle, WdEventKind kind, const ObsView *view, ObsExpected *taken)
{
  for (guint i = 0; i < oracle->expected_count; i++) {
    *taken = oracle->expected[i];
    if (taken->kind != kind || taken->view != view)
      continue;
    oracle->expected_count--;
    memmove(&oracle->expected[i], &oracle->expected[i + 1],
            (oracle->expected_count - i) * sizeof *taken);
    return taken;
  }
  return NULL;
}

/* Whether @view may be the next process of @slot. */
static gboolean
may_be(const ObsSlot *slot, const ObsView *view)
{
  return slot->present == NULL && g_strcmp0(slot->name, view->name) == 0 &&
         (slot->path == NULL || view->path == NULL || g_str_equal(slot->path, view->path));
}

/* With that of another place (driver.c). */
static gboolean
shares_name(const ObsLife *life)
{
  return life->place == 1 || life->place == 2;
}

static void
check_start(ObsOracle *oracle, ObsView *view, const WdAction *action)
{
  const guint index = action->process;
  OBS_CHECK(oracle->log, index < OBS_SLOTS_MAX && index <= oracle->slot_count, "index %u", index);
  ObsSlot *slot = &oracle->slots[index];
  if (index == oracle->slot_count) {
    for (guint i = WD_PROCESS_FIRST_EXTENSION; i < index; i++)
      OBS_CHECK(oracle->log, !may_be(&oracle->slots[i], view), "%s isn't known again", view->name);
    *slot = (ObsSlot){.place = view->life->place, .code = WD_NONE, .signal = WD_NONE};
    oracle->slot_count++;
  }
  OBS_CHECK(oracle->log, (view->role == WD_ROLE_WORKER) == (index == WD_PROCESS_WORKER),
            "%s has the index %u", view->name, index);
  OBS_CHECK(oracle->log, slot->present == NULL, "%u runs already", index);
  OBS_CHECK(oracle->log, view->role == WD_ROLE_WORKER || slot->starts == 0 || may_be(slot, view),
            "%s is taken for %s", view->name, slot->name);
  OBS_CHECK(oracle->log,
            view->role == WD_ROLE_WORKER || shares_name(view->life) ||
                slot->place == view->life->place,
            "%s is taken for another", view->name);
  OBS_CHECK(oracle->log, action->event->restarts == slot->starts, "restarts");
  slot->name = view->name;
  slot->path = slot->path != NULL ? slot->path : view->path;
  slot->present = view;
  slot->starts++;
  view->index = index;
  if (view->role != view->life->role)
    oracle->counts_exact = FALSE;
  if (view->role == WD_ROLE_WORKER) {
    obs_oracle_worker_returned(oracle);
    oracle->worker = view;
  }
}

static void
check_basis(const ObsOracle *oracle, const ObsView *view, const WdEvent *event)
{
  const char *basis = obs_machine_basis(event);
  gboolean inferred = FALSE;
  switch (event->kind) {
  case WD_EVENT_PROCESS_STARTED:
    /* It is known to a clock tick. */
    if (view->life->born_us >= oracle->began_us && view->life->born_us < oracle->began_us + TICK_US)
      return;
    inferred = view->life->born_us < oracle->began_us;
    break;
  case WD_EVENT_PROCESS_EXITED:
    inferred = event->reason == WD_REASON_WORKER_GONE;
    break;
  case WD_EVENT_EXTENSION_UNREGISTERED:
    inferred = event->reason != WD_REASON_REGISTRATION;
    break;
  case WD_EVENT_PROCESS_TERMINATED:
  case WD_EVENT_RESPAWN_DELAYED:
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    inferred = TRUE;
    break;
  case WD_EVENT_WATCHDOG_STARTED:
  case WD_EVENT_WATCHDOG_STOPPED:
  case WD_EVENT_WATCHDOG_CRASHED:
  case WD_EVENT_LIMIT_EXCEEDED:
  case WD_EVENT_WOULD_TERMINATE:
  case WD_EVENT_TERMINATION_STUCK:
  case WD_EVENT_SPAWN_FAILED:
  case WD_EVENT_EXTENSION_REGISTERED:
  case WD_EVENT_UNRESPONSIVE:
  case WD_EVENT_RESPONSIVE:
  case WD_EVENT_QUERY_DENYLISTED:
  case WD_EVENT_SETTINGS_CHANGED:
  case WD_EVENT_EVENTS_LOST:
  case WD_EVENT_HISTORY_RECOVERED:
    break;
  }
  OBS_CHECK(oracle->log, g_strcmp0(basis, inferred ? "inferred" : "seen") == 0, "%s can't be %s",
            wd_event_kind_name(event->kind), basis);
}

/* Whom @event is about. */
static ObsView *
view_of(ObsOracle *oracle, const WdAction *action)
{
  const WdEvent *event = action->event;
  ObsView *lives = NULL;
  if (event->role == WD_ROLE_WATCHDOG)
    return &oracle->views[0];
  for (guint i = oracle->world->count; i-- > 1;) {
    ObsView *view = &oracle->views[i];
    const gboolean ends = view->gone && view->end_seq == 0;
    const gboolean ended_now = view->end_seq != 0 && view->end_seq == oracle->last_seq - 1;
    if (!view->found || view->life->pid != event->pid)
      continue;
    if ((ends || ended_now) && event->kind != WD_EVENT_PROCESS_STARTED &&
        view->index == action->process)
      return view;
    if (!view->gone && lives == NULL)
      lives = view;
  }
  return lives;
}

static void
check_registration(ObsOracle *oracle, const ObsView *view, const WdEvent *event)
{
  ObsExpected taken;
  OBS_CHECK(oracle->log, obs_oracle_take(oracle, event->kind, view, &taken) != NULL,
            "%s of %s may not be", wd_event_kind_name(event->kind), event->name);
  const guint64 cause_seq = taken.cause != NULL ? taken.cause->end_seq : 0;
  OBS_CHECK(oracle->log, event->cause_seq == cause_seq, "the cause of a registration's end");
  OBS_CHECK(oracle->log, taken.cause == view || event->reason == taken.reason,
            "the reason of a registration's end");
  obs_count(oracle->log, event->kind == WD_EVENT_EXTENSION_REGISTERED ? OBS_TALLY_REGISTERED
                                                                      : OBS_TALLY_UNREGISTERED);
}

static void
check_silence(ObsOracle *oracle, ObsView *view, const WdEvent *event)
{
  ObsExpected taken;
  const gboolean begins = event->kind == WD_EVENT_UNRESPONSIVE;
  OBS_CHECK(oracle->log, obs_oracle_take(oracle, event->kind, view, &taken) != NULL,
            "%s of %s may not be", wd_event_kind_name(event->kind), event->name);
  OBS_CHECK(oracle->log, event->cause_seq == (begins ? 0 : view->pings.seq),
            "the cause of a silence");
  OBS_CHECK(oracle->log,
            event->duration_ms == (begins ? WD_NONE : sim_pings_lasted_ms(&view->pings)),
            "how long a silence lasted");
  if (begins)
    view->pings.seq = event->seq;
  else
    view->pings.since_us = 0;
  obs_count(oracle->log, begins ? OBS_TALLY_UNRESPONSIVE : OBS_TALLY_RESPONSIVE);
}

static void
check_event(ObsOracle *oracle, const WdAction *action)
{
  const WdEvent *event = action->event;
  OBS_CHECK(oracle->log, event->seq == ++oracle->last_seq, "seq %" G_GUINT64_FORMAT, event->seq);
  OBS_CHECK(oracle->log, event->cause_seq < event->seq, "the cause comes later");
  OBS_CHECK(oracle->log,
            event->signals_sent == WD_SIGNALS_NONE &&
                (event->duration_ms == WD_NONE || event->kind == WD_EVENT_RESPONSIVE ||
                 event->kind == WD_EVENT_PROCESS_STARTED),
            "nobody has seen that");
  OBS_CHECK(oracle->log, event->message != NULL && event->message[0] != '\0', "no message");
  ObsView *view = view_of(oracle, action);
  ObsExpected taken;
  switch (event->kind) {
  case WD_EVENT_PROCESS_STARTED:
    OBS_CHECK(oracle->log,
              view != NULL && obs_oracle_take(oracle, event->kind, view, &taken) != NULL,
              "a start that never was");
    check_start(oracle, view, action);
    break;
  case WD_EVENT_PROCESS_EXITED:
  case WD_EVENT_PROCESS_TERMINATED:
    OBS_CHECK(oracle->log, view != NULL && view->end_seq == 0, "an end that never was");
    OBS_CHECK(oracle->log, action->process == view->index, "the end of another");
    if (event->kind == WD_EVENT_PROCESS_EXITED)
      obs_oracle_exited(oracle, view, event);
    else
      obs_oracle_terminated(oracle, view, event);
    break;
  case WD_EVENT_LIMIT_EXCEEDED:
    OBS_CHECK(oracle->log, view != NULL, "nobody's limit");
    obs_oracle_exceeded(oracle, view, event);
    break;
  case WD_EVENT_RESPAWN_DELAYED:
    obs_oracle_delayed(oracle, event);
    break;
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    obs_oracle_gave_up(oracle, event);
    break;
  case WD_EVENT_EXTENSION_REGISTERED:
  case WD_EVENT_EXTENSION_UNREGISTERED:
    OBS_CHECK(oracle->log, view != NULL, "nobody's registration");
    check_registration(oracle, view, event);
    break;
  case WD_EVENT_UNRESPONSIVE:
  case WD_EVENT_RESPONSIVE:
    OBS_CHECK(oracle->log, view != NULL, "nobody's silence");
    check_silence(oracle, view, event);
    break;
  case WD_EVENT_WATCHDOG_STARTED:
  case WD_EVENT_EVENTS_LOST:
  case WD_EVENT_HISTORY_RECOVERED:
    OBS_CHECK(oracle->log, obs_oracle_take(oracle, event->kind, view, &taken) != NULL,
              "%s may not be", wd_event_kind_name(event->kind));
    if (event->kind != WD_EVENT_WATCHDOG_STARTED)
      obs_count(oracle->log, OBS_TALLY_STORE_EVENTS);
    break;
  case WD_EVENT_WATCHDOG_STOPPED:
    obs_oracle_run_closed(oracle, event);
    break;
  case WD_EVENT_WATCHDOG_CRASHED:
  case WD_EVENT_WOULD_TERMINATE:
  case WD_EVENT_TERMINATION_STUCK:
  case WD_EVENT_SPAWN_FAILED:
  case WD_EVENT_QUERY_DENYLISTED:
  case WD_EVENT_SETTINGS_CHANGED:
    sim_trace_fail(&oracle->log->trace, "an observer can't know of a %s",
                   wd_event_kind_name(event->kind));
  }
  check_basis(oracle, view, event);
  oracle->slots[action->process].last_seq = event->seq;
}

void
obs_oracle_action(ObsOracle *oracle, const WdAction *action)
{
  OBS_CHECK(oracle->log, !oracle->closed || action->kind == WD_ACTION_PUBLISH,
            "more than the last state after watchdog_stopped");
  switch (action->kind) {
  case WD_ACTION_RECORD:
    check_event(oracle, action);
    break;
  case WD_ACTION_REMEMBER_THREADS:
    OBS_CHECK(oracle->log, oracle->slots[action->process].present != NULL,
              "the threads of a process that doesn't run");
    break;
  case WD_ACTION_PUBLISH:
  case WD_ACTION_LOG:
    break;
  case WD_ACTION_SPAWN:
  case WD_ACTION_SIGNAL:
  case WD_ACTION_COUNT_FAULTS:
  case WD_ACTION_PROBE_MANAGER:
  case WD_ACTION_EXIT:
    sim_trace_fail(&oracle->log->trace, "an observer does nothing");
  }
}
