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

/* A worker that has been silent or busy needs a while to recover. */
static WdReason
lasting_excuse(const WdMachine *machine, WdProcess *extension)
{
  WdReason excuse = WD_REASON_NONE;
  if (!wd_presence_worker_answers(machine))
    excuse = WD_REASON_WORKER_SILENT;
  else if (extension->presence.held_uuid != WD_NONE)
    excuse = WD_REASON_REGISTRATION;
  if (excuse != WD_REASON_NONE) {
    extension->excuse = excuse;
    extension->excused_us = machine->now_us;
    return excuse;
  }
  return extension->excused_us != WD_NONE && wd_presence_is_recent(machine, extension->excused_us)
             ? extension->excuse
             : WD_REASON_NONE;
}

WdReason
wd_blame_excuse(const WdMachine *machine, WdProcess *process)
{
  if (process->role != WD_ROLE_EXTENSION || process->indispensable)
    return WD_REASON_NONE;
  const WdReason excuse = lasting_excuse(machine, process);
  return excuse == WD_REASON_NONE && machine->unattributed ? WD_REASON_REGISTRATION : excuse;
}

/* A registration that isn't attributed may be that of the very process whose exit is judged. */
gboolean
wd_blame_proves(const WdMachine *machine, WdProcess *extension)
{
  return lasting_excuse(machine, extension) == WD_REASON_NONE &&
         wd_presence_is_recent(machine, extension->own_exit.at_us);
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
