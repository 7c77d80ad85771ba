#include "watchdog/core/machine/checks.h"

/* The watchdog's own health is checked from the start; the delay runs from the worker's start for
 * extensions too (osquery/core/watcher.cpp, delayedTime). */
gboolean
wd_checks_watched(const WdChecks *checks, const WdProcess *process, gint64 now_us)
{
  if (!checks->limits->enforce)
    return FALSE;
  switch (process->role) {
  case WD_ROLE_WATCHDOG:
    return TRUE;
  case WD_ROLE_EXTENSION:
    if (!checks->limits->enforce_extensions)
      return FALSE;
    break;
  case WD_ROLE_WORKER:
    break;
  }
  return checks->enforced_from_us != WD_NONE && now_us >= checks->enforced_from_us;
}

static WdProcess *
process_at(const WdChecks *checks, guint index)
{
  return &g_array_index(checks->processes, WdProcess, index);
}

/* Whether its memory is looked at between the regular checks. */
static gboolean
looks_at_memory(const WdChecks *checks, const WdProcess *process, gint64 now_us)
{
  return process->role != WD_ROLE_WATCHDOG && process->state == WD_STATE_RUNNING &&
         wd_checks_watched(checks, process, now_us);
}

gboolean
wd_checks_wants_sample(const WdChecks *checks, guint index, gint64 now_us)
{
  const WdProcess *process = process_at(checks, index);
  if (!wd_process_alive(process))
    return FALSE;
  return now_us >= checks->next_check_us ||
         (looks_at_memory(checks, process, now_us) && now_us >= process->next_memory_look_us);
}

static void
measure(const WdChecks *checks, WdStep *step, WdProcess *process, const WdSample *sample,
        gboolean regular, WdChecksOver over, gpointer user_data)
{
  WdBreach breach;
  const gboolean exceeds = wd_process_measure(step, process, sample, regular, &breach);
  /* What was over its limit before that counted is looked at as soon as it does. */
  if (step->now_us < checks->enforced_from_us)
    process->next_memory_look_us = MIN(process->next_memory_look_us, checks->enforced_from_us);
  if (!exceeds || process->state != WD_STATE_RUNNING ||
      !wd_checks_watched(checks, process, step->now_us))
    return;
  const WdProcess *watchdog = process_at(checks, 0);
  if (process == watchdog || sample->ppid == watchdog->pid)
    over(step, process, &breach, user_data);
}

/* The worker first, then every extension, last the watchdog itself. */
void
wd_checks_look(WdChecks *checks, WdStep *step, const WdSample *const *samples, WdChecksOver over,
               gpointer user_data)
{
  const gboolean regular = step->now_us >= checks->next_check_us;
  const guint count = checks->processes->len;
  for (guint i = 0; i < count; i++) {
    const guint index = (i + 1) % count;
    if (wd_checks_wants_sample(checks, index, step->now_us))
      measure(checks, step, process_at(checks, index), samples[index], regular, over, user_data);
  }
  if (!regular)
    return;
  /* After a late check the next one is a whole interval away: checks are not made up for. */
  checks->next_check_us = step->now_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC;
  wd_actions_publish(step->actions);
}

gint64
wd_checks_deadline(const WdChecks *checks)
{
  gint64 deadline_us = checks->next_check_us;
  for (guint i = 1; i < checks->processes->len; i++) {
    const WdProcess *process = process_at(checks, i);
    const gint64 look_us = MAX(process->next_memory_look_us, checks->enforced_from_us);
    if (looks_at_memory(checks, process, look_us))
      deadline_us = MIN(deadline_us, look_us);
  }
  return deadline_us;
}
