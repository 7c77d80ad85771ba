#include "watchdog/core/machine/stopping.h"

#include "watchdog/core/machine/ending.h"

void
wd_stopping_end(WdMachine *machine, WdProcess *process)
{
  wd_ending_begin(machine, process, WD_REASON_REQUEST,
                  machine->limits.stop_grace_s * G_USEC_PER_SEC, 0);
  if (machine->supervising.stop_at_once)
    wd_ending_kill_now(machine, process);
}

void
wd_stopping_begin(WdMachine *machine, WdReason reason, int exit_code, guint64 cause_seq)
{
  WdSupervising *own = &machine->supervising;
  if (own->stopping)
    return;
  own->stopping = TRUE;
  own->stop_reason = reason;
  own->stop_cause_seq = cause_seq;
  own->exit_code = exit_code;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    wd_stopping_end(machine, wd_machine_at(machine, i));
}

void
wd_stopping_requested(WdMachine *machine)
{
  WdSupervising *own = &machine->supervising;
  if (!own->stop_requested) {
    own->stop_requested = TRUE;
    wd_stopping_begin(machine, WD_REASON_REQUEST, WD_EXIT_STOPPED, 0);
    return;
  }
  own->stop_at_once = TRUE;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    wd_ending_kill_now(machine, wd_machine_at(machine, i));
}

/* Whether nothing of it runs, or is about to, that could be stopped. */
static gboolean
at_rest(const WdProcess *process)
{
  return process->state == WD_STATE_STUCK || (!wd_process_alive(process) && !process->spawning);
}

static gboolean
all_at_rest(const WdMachine *machine, gboolean *stuck)
{
  *stuck = FALSE;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++) {
    const WdProcess *process = wd_machine_at(machine, i);
    if (!at_rest(process))
      return FALSE;
    *stuck = *stuck || process->state == WD_STATE_STUCK;
  }
  return TRUE;
}

void
wd_stopping_finish(WdMachine *machine)
{
  WdSupervising *own = &machine->supervising;
  WdProcess *watchdog = wd_machine_watchdog(machine);
  gboolean stuck;
  if (!own->stopping || !all_at_rest(machine, &stuck))
    return;
  if (stuck && own->exit_code == WD_EXIT_STOPPED)
    own->exit_code = WD_EXIT_FAILED;
  WdEvent *event = wd_process_event(watchdog, WD_EVENT_WATCHDOG_STOPPED, own->stop_reason);
  event->exit_code = own->exit_code;
  event->cause_seq = own->stop_cause_seq;
  wd_process_change(watchdog, WD_CHANGE_DISMISSED);
  wd_machine_record(machine, watchdog, event, WD_RECORD_PLAIN);
  wd_actions_publish(machine->actions);
  wd_actions_exit(machine->actions, own->exit_code);
  machine->closed = TRUE;
}
