#include "watchdog/core/machine/observe.h"

#include "watchdog/core/event/message.h"
#include "watchdog/core/machine/observe-ends.h"
#include "watchdog/core/machine/observe-entry.h"
#include "watchdog/core/machine/observe-exits.h"
#include "watchdog/core/machine/observe-pause.h"
#include "watchdog/core/machine/presence.h"

#define INTERVAL_US (WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND)

/* --- looking --- */

/* A watcher judges only memory of itself (osquery/core/watcher.cpp, isWatcherHealthy). */
static void
over_limit(WdMachine *machine, WdProcess *process, const WdVerdict *breach)
{
  if (process->role != WD_ROLE_WATCHDOG || breach->reason == WD_REASON_MEMORY)
    wd_observe_exceeded(machine, process, breach, WD_RECORD_DETAILS);
}

/* With one more strike the process is over its limit. The watcher may see that before we do; then
 * we know only what our last look showed. */
static gboolean
nears_last_strike(const WdMeter *meter, const WdLimits *limits)
{
  return ((gint64)meter->strikes + 1) * WD_CHECK_INTERVAL_S >= limits->latency_limit_s;
}

static gint64
next_look_us(const WdMeter *meter, const WdLimits *limits)
{
  const gint64 next_us =
      MAX(wd_meter_next_memory_sample_us(meter, limits), wd_meter_calm_us(meter, limits));
  return nears_last_strike(meter, limits) ? MIN(next_us, meter->sample_us + WD_OBSERVE_LOOK_US)
                                          : next_us;
}

/* --- what is found --- */

static void
enforce_from_start(WdMachine *machine)
{
  const WdProcess *worker = wd_machine_worker(machine);
  if (worker->starts > 0)
    machine->enforced_from_us =
        worker->started_us + machine->limits.watchdog_delay_s * G_TIME_SPAN_SECOND;
}

/* A watcher starts the worker at one of its checks, so later checks follow at multiples of the
 * interval. Ours come just before, because its own work delays it. */
static void
worker_begins(WdMachine *machine, gint64 started_us)
{
  const gint64 passed = MAX(machine->now_us - started_us, 0) / INTERVAL_US;
  machine->next_check_us = started_us + (passed + 1) * INTERVAL_US;
  enforce_from_start(machine);
  wd_presence_begin(machine);
}

/* The worker's entry. The process before is gone, even if we haven't seen its end. */
static WdProcess *
replace_worker(WdMachine *machine, const WdFound *found)
{
  WdProcess *worker = wd_machine_worker(machine);
  if (wd_process_alive(worker))
    wd_observe_child_gone(machine, worker, &WD_EXIT_UNKNOWN);
  wd_observe_settle(machine, worker);
  wd_observe_worker_returns(machine, found->started_us);
  return worker;
}

static void
take_found(WdMachine *machine, const WdFound *found)
{
  const gboolean is_worker = found->role == WD_ROLE_WORKER;
  WdProcess *process =
      is_worker ? replace_worker(machine, found) : wd_observe_entry(machine, found);
  if (process == NULL)
    return;
  wd_observe_settle(machine, process);
  wd_process_begin(process, found->pid, found->start_ticks, found->started_us);
  wd_machine_record(machine, process, wd_process_start_event(process),
                    found->started_us >= machine->observing.began_us ? WD_RECORD_PLAIN
                                                                     : WD_RECORD_INFERRED);
  if (is_worker)
    worker_begins(machine, found->started_us);
}

static void
take_limits(WdMachine *machine, const WdLimits *limits)
{
  const gint64 report_interval_s = machine->limits.extensions_interval_s;
  machine->limits = *limits;
  machine->limits.extensions_interval_s = report_interval_s;
  machine->observing.limits_known = TRUE;
  enforce_from_start(machine);
  wd_machine_publish(machine);
}

static void
take(WdMachine *machine, const WdInput *input)
{
  WdProcess *process = wd_machine_at(machine, input->process);
  wd_observe_settle_due(machine);
  switch (input->kind) {
  case WD_INPUT_FOUND:
    take_found(machine, &input->found);
    break;
  case WD_INPUT_LIMITS:
    take_limits(machine, input->limits);
    break;
  case WD_INPUT_EXITED:
    if (process->role == WD_ROLE_WATCHDOG)
      wd_observe_watcher_gone(machine, &input->exited);
    else
      wd_observe_child_gone(machine, process, &input->exited);
    break;
  case WD_INPUT_STOP:
    wd_observe_close(machine);
    break;
  case WD_INPUT_STORED:
    break; /* no signal waits for it */
  case WD_INPUT_TICK:
    wd_observe_worker_stays_away(machine);
    break;
  case WD_INPUT_REPORT:
  case WD_INPUT_EVENTS_LOST:
  case WD_INPUT_HISTORY_RECOVERED:
  case WD_INPUT_GIVEN_UP:
    break; /* the frame's */
  case WD_INPUT_SPAWNED:
  case WD_INPUT_SPAWN_FAILED:
  case WD_INPUT_FAULTED:
  case WD_INPUT_MANAGER_ACCEPTS:
  case WD_INPUT_SETTINGS:
  case WD_INPUT_WANTED:
    break; /* a supervisor's */
  }
}

static gint64
deadline(const WdMachine *machine)
{
  return MIN(wd_observe_pause_known_us(machine), wd_observe_settle_due_us(machine));
}

/* --- shown --- */

static gboolean
show(const WdMachine *machine, const WdProcess *process, WdProcessStatus *status)
{
  const gboolean known = machine->observing.limits_known;
  if (!known)
    status->memory_limit_bytes = WD_NONE;
  if (!known || process->role == WD_ROLE_WATCHDOG)
    status->utilization_limit = status->latency_limit_s = WD_NONE;
  if (!known || process->role != WD_ROLE_WORKER)
    status->restart_limit = WD_NONE;
  if (wd_machine_worker(machine)->held != NULL) { /* all registrations ended with it */
    status->registered = status->registered != WD_NONE ? FALSE : WD_NONE;
    status->uuid = status->responsive = WD_NONE;
  }
  return TRUE;
}

/* --- for the outside --- */

static const WdPolicy OBSERVE = {
    .take = take,
    .next_look_us = next_look_us,
    .over_limit = over_limit,
    .unregistered = NULL, /* osquery's own watcher does nothing about it */
    .deadline = deadline,
    .show = show,
    .message = wd_observed_message,
    .states_basis = TRUE,
};

WdMachine *
wd_observe_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us)
{
  /* Until the worker's flags are known: the defaults of most levels; nothing is enforced. */
  WdLimits limits = {.cpus = 1, .extensions_interval_s = report_interval_s};
  wd_limits_resolve(&limits, &(WdLimitFlags){.level = 0});
  WdMachine *machine = wd_machine_new(&OBSERVE, &limits, watcher, watcher->path);
  machine->next_check_us = now_us;
  machine->observing.began_us = now_us;
  return machine;
}

gboolean
wd_observe_find(const WdMachine *observer, gint64 pid, guint *index)
{
  for (guint i = 0; i < observer->processes->len; i++)
    if (wd_machine_at(observer, i)->pid == pid) {
      *index = i;
      return TRUE;
    }
  return FALSE;
}
