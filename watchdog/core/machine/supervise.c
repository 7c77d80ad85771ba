#include "watchdog/core/machine/supervise.h"

#include "watchdog/core/event/message.h"
#include "watchdog/core/machine/checks.h"
#include "watchdog/core/machine/departures.h"
#include "watchdog/core/machine/ending.h"
#include "watchdog/core/machine/give-up.h"
#include "watchdog/core/machine/starts.h"

/* --- over a limit --- */

static void
watchdog_unhealthy(WdMachine *machine, WdProcess *watchdog, const WdVerdict *breach)
{
  if (machine->supervising.stopping)
    return;
  WdEvent *event = wd_process_breach_event(watchdog, WD_EVENT_LIMIT_EXCEEDED, breach,
                                           &machine->limits, machine->now_us);
  wd_ending_all(machine, WD_REASON_HEALTH, WD_EXIT_CATASTROPHIC,
                wd_machine_record(machine, watchdog, event, WD_RECORD_DETAILS));
}

/* --dry_run: once per episode. */
static void
record_breach(WdMachine *machine, WdProcess *process, const WdVerdict *breach)
{
  gboolean *recorded = breach->reason == WD_REASON_UNRESPONSIVE ? &process->silence.limit_recorded
                                                                : &process->breach_recorded;
  if (*recorded)
    return;
  *recorded = TRUE;
  WdEvent *event = wd_process_breach_event(process, WD_EVENT_WOULD_TERMINATE, breach,
                                           &machine->limits, machine->now_us);
  wd_machine_record(machine, process, event, WD_RECORD_DETAILS);
}

static void
over_limit(WdMachine *machine, WdProcess *process, const WdVerdict *breach)
{
  if (machine->limits.dry_run)
    record_breach(machine, process, breach);
  else if (process->role == WD_ROLE_WATCHDOG)
    watchdog_unhealthy(machine, process, breach);
  else
    wd_ending_for_limit(machine, process, breach);
}

/* Osquery forgets an extension after one failed ping, and its tables with it: only a new start
 * brings them back. */
static void
unregistered(WdMachine *machine, WdProcess *extension)
{
  WdPresence *presence = &extension->presence;
  if (!machine->limits.dry_run) {
    wd_ending_begin(machine, extension, WD_REASON_REGISTRATION, presence->missing_seq);
  } else if (!presence->missing_recorded) {
    presence->missing_recorded = TRUE;
    WdEvent *event = wd_process_event(extension, WD_EVENT_WOULD_TERMINATE, WD_REASON_REGISTRATION);
    event->cause_seq = presence->missing_seq;
    wd_machine_record(machine, extension, event, WD_RECORD_DETAILS);
  }
}

/* --- inputs --- */

static void
stored(WdMachine *machine, guint64 seq)
{
  machine->supervising.storeless = seq == G_MAXUINT64;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    wd_ending_stored(machine, wd_machine_at(machine, i), seq);
  if (!machine->supervising.storeless)
    wd_give_up_stored(machine, seq);
}

/* The worker has read its own flags when it started; these don't change. */
static void
change_settings(WdMachine *machine, const WdInput *input)
{
  const WdLimits *limits = input->settings.limits;
  WdProcess *watchdog = wd_machine_watchdog(machine);
  if (machine->enforced_from_us != WD_NONE)
    machine->enforced_from_us +=
        (limits->watchdog_delay_s - machine->limits.watchdog_delay_s) * G_USEC_PER_SEC;
  machine->limits = *limits;
  WdEvent *event = wd_process_event(watchdog, WD_EVENT_SETTINGS_CHANGED, WD_REASON_REQUEST);
  event->details = g_strdup(input->settings.details);
  event->message = g_strdup(input->settings.message);
  wd_machine_record(machine, watchdog, event, WD_RECORD_PLAIN);
}

/* On the list again, it is started as if it had never failed; if it still ends, once it is gone. */
static void
want_again(WdMachine *machine, WdProcess *extension)
{
  extension->wanted = TRUE;
  extension->respawn = (WdRespawn){0};
  extension->own_exit = (WdOwnExit){.at_us = WD_NONE};
  if (extension->state == WD_STATE_STOPPED && !machine->supervising.stopping) {
    wd_process_change(extension, WD_CHANGE_WANTED);
    extension->next_start_us = machine->now_us;
  }
}

static void
know_file(WdProcess *process, const char *file)
{
  g_free(process->file);
  process->file = g_strdup(file);
}

static void
take_own(WdMachine *machine, const WdInput *input)
{
  WdProcess *process = wd_machine_at(machine, input->process);
  switch (input->kind) {
  case WD_INPUT_SPAWNED:
    know_file(process, input->file);
    wd_starts_spawned(machine, process, input->spawned.pid, input->spawned.start_ticks);
    if (input->spawned.has_counter)
      process->memory_watch = WD_MEMORY_WATCH_EVENTS;
    break;
  case WD_INPUT_FAULTED:
    wd_checks_faulted(machine, process);
    break;
  case WD_INPUT_SPAWN_FAILED:
    know_file(process, input->file);
    wd_departures_spawn_failed(machine, process, input->spawn_error);
    break;
  case WD_INPUT_EXITED:
    wd_departures_exited(machine, process, &input->exited);
    break;
  case WD_INPUT_STORED:
    stored(machine, input->seq);
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    machine->supervising.manager_accepts = wd_machine_worker(machine)->state == WD_STATE_RUNNING;
    break;
  case WD_INPUT_SETTINGS:
    change_settings(machine, input);
    break;
  case WD_INPUT_WANTED:
    if (input->wanted) {
      want_again(machine, process);
    } else {
      process->wanted = FALSE;
      wd_give_up_take_back(machine, process);
      wd_ending_begin(machine, process, WD_REASON_SETTINGS, 0);
    }
    break;
  case WD_INPUT_STOP:
    wd_ending_stop_requested(machine);
    break;
  case WD_INPUT_GIVEN_UP:
    wd_give_up_remember(machine, input->given_up);
    break;
  case WD_INPUT_REPORT:
    if (input->report->kind == WD_REPORT_REGISTRATIONS &&
        input->report->worker_pid == wd_machine_worker(machine)->pid)
      wd_departures_reported(machine);
    break;
  case WD_INPUT_TICK:
  case WD_INPUT_EVENTS_LOST:
  case WD_INPUT_HISTORY_RECOVERED:
    break; /* the frame's */
  case WD_INPUT_FOUND:
  case WD_INPUT_LIMITS:
    break; /* an observer's */
  }
}

static void
take(WdMachine *machine, const WdInput *input)
{
  take_own(machine, input);
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    wd_ending_advance(machine, wd_machine_at(machine, i));
  wd_give_up_advance(machine);
  wd_starts_advance(machine);
  wd_ending_finish(machine);
}

static gint64
deadline(const WdMachine *machine)
{
  gint64 deadline_us = MIN(wd_starts_deadline(machine), wd_give_up_deadline(machine));
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    deadline_us = MIN(deadline_us, wd_ending_deadline(wd_machine_at(machine, i)));
  return deadline_us;
}

/* --- shown --- */

/* An extension that is gone and no longer on the list has no row. */
static gboolean
show(const WdMachine *machine, const WdProcess *process, WdProcessStatus *status)
{
  status->enforced = status->enforced && !machine->limits.dry_run;
  return process->wanted || wd_process_alive(process) || process->spawning;
}

/* --- for the outside --- */

static const WdPolicy SUPERVISE = {
    .take = take,
    .next_look_us = wd_meter_next_memory_sample_us,
    .over_limit = over_limit,
    .unregistered = unregistered,
    .deadline = deadline,
    .show = show,
    .message = wd_event_message,
};

WdMachine *
wd_supervise_new(const WdLimits *limits, const WdFound *watchdog, const char *worker_path)
{
  WdMachine *machine = wd_machine_new(&SUPERVISE, limits, watchdog, worker_path);
  machine->next_check_us = watchdog->started_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC;
  g_strlcpy(wd_machine_watchdog(machine)->presence.version, PROJECT_VERSION,
            sizeof wd_machine_watchdog(machine)->presence.version);
  wd_machine_worker(machine)->next_start_us = watchdog->started_us;
  return machine;
}

guint
wd_supervise_add_extension(WdMachine *supervisor, const char *name, const char *path,
                           gboolean indispensable)
{
  WdProcess *extension = wd_machine_add(supervisor, WD_ROLE_EXTENSION, name, path);
  extension->indispensable = indispensable;
  if (supervisor->supervising.stopping)
    wd_process_change(extension, WD_CHANGE_DISMISSED);
  return extension->index;
}

guint
wd_supervise_find_extension(const WdMachine *supervisor, const char *path)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < supervisor->processes->len; i++)
    if (g_strcmp0(wd_machine_at(supervisor, i)->path, path) == 0)
      return i;
  return 0;
}

gboolean
wd_supervise_wants(const WdMachine *supervisor, guint index)
{
  return wd_machine_at(supervisor, index)->wanted;
}
