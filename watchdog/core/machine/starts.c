#include "watchdog/core/machine/starts.h"

#include "watchdog/core/machine/ending.h"
#include "watchdog/core/machine/presence.h"

/* The first look for the manager's socket after the worker's start, and the longest wait between
 * two: a core needs some 10 ms to open it, or minutes when its database is large. */
#define PROBE_FIRST_US (5 * G_TIME_SPAN_MILLISECOND)
#define PROBE_LONGEST_US (1 * G_TIME_SPAN_SECOND)

/* Extensions wait for the worker's manager. */
static gboolean
may_start(const WdMachine *machine, const WdProcess *process)
{
  const gboolean waits = process->state == WD_STATE_WAITING || process->state == WD_STATE_ABANDONED;
  return waits && !process->spawning && !machine->supervising.stopping &&
         (process->role == WD_ROLE_WORKER ||
          (machine->supervising.manager_accepts &&
           wd_machine_worker(machine)->state == WD_STATE_RUNNING));
}

static gboolean
probes_manager(const WdMachine *machine)
{
  return wd_machine_worker(machine)->state == WD_STATE_RUNNING && machine->limits.manager &&
         !machine->supervising.manager_accepts && !machine->supervising.stopping;
}

/* Looks again after an eighth of the time already waited: often for a quick core, rarely for a slow
 * one. */
static void
probe_manager(WdMachine *machine)
{
  if (!probes_manager(machine) || machine->now_us < machine->supervising.next_probe_us)
    return;
  const gint64 waited_us = machine->now_us - wd_machine_worker(machine)->started_us;
  machine->supervising.next_probe_us =
      machine->now_us + CLAMP(waited_us / 8, PROBE_FIRST_US, PROBE_LONGEST_US);
  wd_actions_add(machine->actions,
                 (WdAction){.kind = WD_ACTION_PROBE_MANAGER, .process = WD_PROCESS_WORKER});
}

void
wd_starts_advance(WdMachine *machine)
{
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++) {
    WdProcess *process = wd_machine_at(machine, i);
    if (!may_start(machine, process) || machine->now_us < process->next_start_us)
      continue;
    process->spawning = TRUE;
    wd_actions_add(machine->actions, (WdAction){.kind = WD_ACTION_SPAWN, .process = i});
  }
  probe_manager(machine);
}

gint64
wd_starts_deadline(const WdMachine *machine)
{
  gint64 deadline_us = probes_manager(machine) ? machine->supervising.next_probe_us : G_MAXINT64;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++) {
    const WdProcess *process = wd_machine_at(machine, i);
    if (may_start(machine, process))
      deadline_us = MIN(deadline_us, process->next_start_us);
  }
  return deadline_us;
}

static void
worker_spawned(WdMachine *machine)
{
  machine->enforced_from_us = machine->now_us + machine->limits.watchdog_delay_s * G_USEC_PER_SEC;
  machine->supervising.next_probe_us = machine->now_us + PROBE_FIRST_US;
  wd_presence_begin(machine);
}

void
wd_starts_spawned(WdMachine *machine, WdProcess *process, gint64 pid, gint64 start_ticks)
{
  wd_process_begin(process, pid, start_ticks, machine->now_us);
  wd_machine_record(machine, process, wd_process_start_event(process), WD_RECORD_PLAIN);
  if (process->role == WD_ROLE_WORKER)
    worker_spawned(machine);
  /* Things may have changed while it was being spawned. */
  if (machine->supervising.stopping)
    wd_ending_stop(machine, process);
  else if (!process->wanted)
    wd_ending_begin(machine, process, WD_REASON_SETTINGS, 0);
}
