#include "watchdog/core/machine/blame.h"

#include "watchdog/core/machine/presence.h"

gboolean
wd_blame_hears(const WdMachine *machine)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++)
    if (wd_machine_at(machine, i)->indispensable)
      return TRUE;
  return FALSE;
}

WdReason
wd_blame_excuse(const WdMachine *machine, const WdProcess *process)
{
  if (process->role != WD_ROLE_EXTENSION || process->indispensable)
    return WD_REASON_NONE;
  if (!wd_presence_worker_answers(machine))
    return WD_REASON_WORKER_SILENT;
  return wd_presence_is_held(machine, process) ? WD_REASON_REGISTRATION : WD_REASON_NONE;
}

void
wd_blame_withdraw(WdProcess *process, gint64 earliest_us)
{
  process->respawn = process->own_exit.before;
  process->own_exit = (WdOwnExit){.at_us = WD_NONE};
  if (process->state == WD_STATE_WAITING || process->state == WD_STATE_ABANDONED) {
    wd_process_change(process, WD_CHANGE_WANTED);
    process->next_start_us = earliest_us;
  }
}

void
wd_blame_forget(WdProcess *process)
{
  if (process->own_exit.unproven)
    process->respawn = process->own_exit.before;
  process->own_exit = (WdOwnExit){.at_us = WD_NONE};
}
