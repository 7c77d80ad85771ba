#include "watchdog/core/machine/checks.h"

#include <math.h>

#include "watchdog/core/event/message.h"

#define INTERVAL_US (WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND)

/* How often a process that is being ended for memory is looked at. At 1 GB/s it may grow by 20 MB
 * in between. The first such look comes no later than the first signal. */
#define ENDING_LOOK_US (20 * G_TIME_SPAN_MILLISECOND)

gboolean
wd_checks_enforcing(const WdMachine *machine, gint64 now_us)
{
  return machine->limits.enforce && machine->enforced_from_us != WD_NONE &&
         now_us >= machine->enforced_from_us;
}

/* The watchdog's own health is checked from the start. For extensions, too, the delay runs from the
 * worker's start (osquery/core/watcher.cpp, delayedTime). */
gboolean
wd_checks_watched(const WdMachine *machine, const WdProcess *process, gint64 now_us)
{
  if (!machine->limits.enforce)
    return FALSE;
  switch (process->role) {
  case WD_ROLE_WATCHDOG:
    return TRUE;
  case WD_ROLE_EXTENSION:
    if (!machine->limits.enforce_extensions)
      return FALSE;
    break;
  case WD_ROLE_WORKER:
    break;
  }
  return wd_checks_enforcing(machine, now_us);
}

/* When its memory is looked at between the regular checks; G_MAXINT64: not at all. */
static gint64
memory_look_us(const WdMachine *machine, const WdProcess *process)
{
  const gint64 look_us = MAX(process->next_memory_look_us, machine->enforced_from_us);
  if (process->role == WD_ROLE_WATCHDOG || !wd_process_alive(process))
    return G_MAXINT64;
  if (wd_process_ends_for_memory(process, process->next_memory_look_us))
    return process->next_memory_look_us;
  if (process->state == WD_STATE_RUNNING && wd_checks_watched(machine, process, look_us))
    return look_us;
  return G_MAXINT64;
}

gboolean
wd_checks_wants_sample(const WdMachine *machine, const WdProcess *process, gint64 now_us)
{
  return wd_process_alive(process) &&
         now_us >= MIN(machine->next_check_us, memory_look_us(machine, process));
}

/* Reading all threads at every check would cost more than everything else together. So it begins at
 * half of the memory limit, or with the first strike. */
static gboolean
nears_limit(const WdProcess *process, const WdLimits *limits)
{
  return process->role != WD_ROLE_WATCHDOG &&
         (process->meter.strikes > 0 ||
          process->meter.footprint_bytes > limits->memory_limit_bytes / 2);
}

static void
log_measured(const WdMachine *machine, const WdProcess *process)
{
  const WdMeter *meter = &process->meter;
  if (isnan(meter->utilization)) /* not measured yet */
    return;
  wd_machine_log(machine, process,
                 wd_measured_message(process->pid, meter->cpu_used_ms, meter->cpu_allowed_ms,
                                     MAX(meter->footprint_bytes, 0),
                                     machine->limits.memory_limit_bytes));
}

/* Either the process's page faults are counted, or a look at it is due, so no growth is missed. A
 * process over its limit is about to be ended, and needs no counter. */
static void
plan_next_look(WdMachine *machine, WdProcess *process, const WdVerdict *verdict)
{
  process->next_memory_look_us = machine->policy->next_look_us(&process->meter, &machine->limits);
  if (process->memory_watch != WD_MEMORY_WATCH_EVENTS || process->state != WD_STATE_RUNNING ||
      process->meter.footprint_bytes == WD_NONE ||
      !wd_checks_watched(machine, process, machine->now_us))
    return;
  if (!process->faults_counted && verdict->reason == WD_REASON_NONE) {
    process->faults_counted = TRUE;
    wd_actions_add(machine->actions,
                   (WdAction){.kind = WD_ACTION_COUNT_FAULTS, .process = process->index});
  }
  if (process->faults_counted)
    process->next_memory_look_us = G_MAXINT64; /* the regular checks are enough */
}

/* A busy process faults right after each look, so the looks at it are as far apart as its headroom
 * allows. At an idle process there are none. */
void
wd_checks_faulted(WdMachine *machine, WdProcess *process)
{
  process->faults_counted = FALSE;
  process->next_memory_look_us =
      MIN(process->next_memory_look_us, wd_meter_safe_until_us(&process->meter, &machine->limits));
}

static WdVerdict
measure(WdMachine *machine, WdProcess *process, const WdSample *sample, gboolean regular)
{
  const WdLimits *limits = &machine->limits;
  const WdVerdict verdict =
      wd_meter_sample(&process->meter, limits, sample, machine->now_us, regular);
  if (sample == NULL) {
    process->next_memory_look_us = machine->now_us + INTERVAL_US;
    return verdict;
  }
  plan_next_look(machine, process, &verdict);
  process->sample = *sample;
  process->last_check_us = machine->now_us;
  if (regular && limits->debug)
    log_measured(machine, process);
  if (verdict.reason == WD_REASON_NONE && regular) {
    if (nears_limit(process, limits))
      wd_actions_add(machine->actions,
                     (WdAction){.kind = WD_ACTION_REMEMBER_THREADS, .process = process->index});
    /* Not at other looks, because CPU is judged at regular checks alone. */
    process->breach_recorded = FALSE;
  }
  return verdict;
}

static void
judge(WdMachine *machine, WdProcess *process, const WdSample *sample, gboolean regular)
{
  const WdVerdict verdict = measure(machine, process, sample, regular);
  if (verdict.reason == WD_REASON_NONE || process->state != WD_STATE_RUNNING ||
      !wd_checks_watched(machine, process, machine->now_us))
    return;
  /* As osquery: a process that is no longer the watchdog's child is left alone. */
  if (process->role == WD_ROLE_WATCHDOG || sample->ppid == wd_machine_watchdog(machine)->pid)
    machine->policy->over_limit(machine, process, &verdict);
}

static void
look_at(WdMachine *machine, WdProcess *process, const WdSample *sample, gboolean regular)
{
  judge(machine, process, sample, regular);
  gint64 latest_us = G_MAXINT64;
  /* A process may be over its limit already when enforcing begins: look at it then. */
  if (machine->now_us < machine->enforced_from_us)
    latest_us = machine->enforced_from_us;
  if (wd_process_ends_for_memory(process, machine->now_us))
    latest_us = machine->now_us + ENDING_LOOK_US;
  process->next_memory_look_us = MIN(process->next_memory_look_us, latest_us);
}

/* The worker first, then every extension, last the watchdog itself. */
void
wd_checks_look(WdMachine *machine, const WdSample *const *samples)
{
  const gboolean regular = machine->now_us >= machine->next_check_us;
  const guint count = machine->processes->len;
  for (guint i = 0; i < count; i++) {
    WdProcess *process = wd_machine_at(machine, (i + 1) % count);
    if (wd_checks_wants_sample(machine, process, machine->now_us))
      look_at(machine, process, samples[process->index], regular);
  }
  if (!regular)
    return;
  /* After a late check the next one is a whole interval away: no check is repeated. */
  machine->next_check_us = machine->now_us + INTERVAL_US;
  wd_machine_publish(machine);
}

gint64
wd_checks_deadline(const WdMachine *machine)
{
  gint64 deadline_us = machine->next_check_us;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    deadline_us = MIN(deadline_us, memory_look_us(machine, wd_machine_at(machine, i)));
  return deadline_us;
}
