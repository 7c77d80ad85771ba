#include "watchdog/core/machine/supervisor-private.h"

/* The first look for the manager's socket after the worker's start, and the longest wait between
 * two: a core needs some 10 ms to open it, or minutes when its database is large. */
#define PROBE_FIRST_US (5 * G_TIME_SPAN_MILLISECOND)
#define PROBE_LONGEST_US (1 * G_TIME_SPAN_SECOND)

gboolean
wd_supervisor_may_start(const WdSupervisor *supervisor, const WdProcess *process)
{
  const gboolean wanted =
      process->state == WD_STATE_WAITING || process->state == WD_STATE_ABANDONED;
  return wanted && !process->spawning && !supervisor->stopping &&
         (process->role == WD_ROLE_WORKER ||
          (supervisor->manager_accepts &&
           wd_supervisor_process(supervisor, WD_PROCESS_WORKER)->state == WD_STATE_RUNNING));
}

void
wd_supervisor_start_what_is_due(WdSupervisor *supervisor, WdStep *step)
{
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++) {
    WdProcess *process = wd_supervisor_process(supervisor, i);
    if (wd_supervisor_may_start(supervisor, process) && step->now_us >= process->next_start_us)
      wd_process_start(step, process);
  }
}

gboolean
wd_supervisor_probes_manager(const WdSupervisor *supervisor)
{
  return wd_supervisor_process(supervisor, WD_PROCESS_WORKER)->state == WD_STATE_RUNNING &&
         supervisor->limits.manager && !supervisor->manager_accepts && !supervisor->stopping;
}

/* Looks again after an eighth of the time already waited: early when the core is quick, rarely when
 * it is not. */
void
wd_supervisor_probe_manager(WdSupervisor *supervisor, WdStep *step)
{
  if (!wd_supervisor_probes_manager(supervisor) || step->now_us < supervisor->next_probe_us)
    return;
  const gint64 waited_us =
      step->now_us - wd_supervisor_process(supervisor, WD_PROCESS_WORKER)->started_us;
  supervisor->next_probe_us = step->now_us + CLAMP(waited_us / 8, PROBE_FIRST_US, PROBE_LONGEST_US);
  wd_actions_probe_manager(step->actions);
}

void
wd_supervisor_end_unwanted(WdStep *step, WdProcess *process)
{
  wd_process_end(step, process, WD_REASON_SETTINGS,
                 step->limits->forced_shutdown_delay_s * G_USEC_PER_SEC);
}

void
wd_supervisor_spawned(WdSupervisor *supervisor, WdStep *step, WdProcess *process,
                      const WdInput *input)
{
  wd_process_spawned(step, process, input->spawned.pid, input->spawned.start_ticks);
  if (process->role == WD_ROLE_WORKER) {
    supervisor->checks.enforced_from_us =
        step->now_us + supervisor->limits.watchdog_delay_s * G_USEC_PER_SEC;
    supervisor->next_probe_us = step->now_us + PROBE_FIRST_US;
    wd_reports_begin(&supervisor->reports, step->now_us);
  }
  if (supervisor->stopping)
    wd_process_end(step, process, WD_REASON_REQUEST, wd_supervisor_stop_grace_us(step));
  else if (!process->wanted)
    wd_supervisor_end_unwanted(step, process);
  if (supervisor->stop_at_once)
    wd_process_kill_now(step, process);
}
