#include "watchdog/core/supervisor-private.h"

/* Whether going over a limit has consequences for @process at @now_us.
 * The watchdog's own health is checked from the start; the delay runs from the worker's start for
 * extensions too (osquery/core/watcher.cpp, delayedTime). */
gboolean
wd_supervisor_watched(const WdSupervisor *supervisor, const WdProcess *process, gint64 now_us)
{
  if (!supervisor->limits.enforce)
    return FALSE;
  switch (process->role) {
  case WD_ROLE_WATCHDOG:
    return TRUE;
  case WD_ROLE_EXTENSION:
    if (!supervisor->limits.enforce_extensions)
      return FALSE;
    break;
  case WD_ROLE_WORKER:
    break;
  }
  return supervisor->enforced_from_us != WD_NONE && now_us >= supervisor->enforced_from_us;
}

gboolean
wd_supervisor_looks_at_memory(const WdSupervisor *supervisor, const WdProcess *process,
                              gint64 now_us)
{
  return process->role != WD_ROLE_WATCHDOG && process->state == WD_STATE_RUNNING &&
         wd_supervisor_watched(supervisor, process, now_us);
}

gboolean
wd_supervisor_wants_sample(const WdSupervisor *supervisor, guint index, gint64 now_us)
{
  const WdProcess *process = wd_supervisor_process(supervisor, index);
  if (!wd_process_alive(process))
    return FALSE;
  return now_us >= supervisor->next_check_us ||
         (wd_supervisor_looks_at_memory(supervisor, process, now_us) &&
          now_us >= process->next_memory_look_us);
}

static void
watchdog_unhealthy(WdSupervisor *supervisor, WdStep *step, WdProcess *self, const WdBreach *breach)
{
  if (supervisor->stopping)
    return;
  wd_process_record_unhealthy(step, self, breach);
  wd_supervisor_begin_stop(supervisor, step, WD_REASON_HEALTH, WD_EXIT_CATASTROPHIC,
                           self->last_seq);
}

static void
measure(WdSupervisor *supervisor, WdStep *step, WdProcess *process, const WdSample *sample,
        gboolean regular)
{
  WdBreach breach;
  const gboolean over = wd_process_measure(step, process, sample, regular, &breach);
  /* What was over its limit before that counted is looked at as soon as it does. */
  if (step->now_us < supervisor->enforced_from_us)
    process->next_memory_look_us = MIN(process->next_memory_look_us, supervisor->enforced_from_us);
  if (!over || process->state != WD_STATE_RUNNING ||
      !wd_supervisor_watched(supervisor, process, step->now_us))
    return;
  const WdProcess *self = wd_supervisor_process(supervisor, WD_PROCESS_WATCHDOG);
  if (process != self && sample->ppid != self->pid)
    return;
  if (supervisor->limits.dry_run)
    wd_process_record_breach(step, process, &breach);
  else if (process->role == WD_ROLE_WATCHDOG)
    watchdog_unhealthy(supervisor, step, process, &breach);
  else
    wd_process_end_for_limit(step, process, &breach);
}

/* The worker first, then every extension, last the watchdog itself. */
void
wd_supervisor_check(WdSupervisor *supervisor, WdStep *step, const WdSample *const *samples)
{
  const gboolean regular = step->now_us >= supervisor->next_check_us;
  const guint count = supervisor->processes->len;
  for (guint i = 0; i < count; i++) {
    const guint index = (i + 1) % count;
    if (wd_supervisor_wants_sample(supervisor, index, step->now_us))
      measure(supervisor, step, wd_supervisor_process(supervisor, index), samples[index], regular);
  }
  if (!regular)
    return;
  /* After a late check the next one is a whole interval away: checks are not made up for. */
  supervisor->next_check_us = step->now_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC;
  wd_actions_publish(step->actions);
}
