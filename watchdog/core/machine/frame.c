#include "watchdog/core/machine/frame.h"

#include "watchdog/core/kernel/details.h"

WdProcess *
wd_machine_add(WdMachine *machine, WdRole role, const char *name, const char *path)
{
  WdProcess process;
  wd_process_init(&process, machine->processes->len, role, name, path);
  g_array_append_val(machine->processes, process);
  return wd_machine_at(machine, process.index);
}

WdMachine *
wd_machine_new(const WdPolicy *policy, const WdLimits *limits, const WdFound *watchdog,
               const char *worker_path)
{
  WdMachine *machine = g_new0(WdMachine, 1);
  machine->policy = policy;
  machine->limits = *limits;
  machine->processes = g_array_new(FALSE, FALSE, sizeof(WdProcess));
  g_array_set_clear_func(machine->processes, (GDestroyNotify)wd_process_clear);
  machine->enforced_from_us = WD_NONE;
  machine->worker_gone_us = WD_NONE;
  machine->unread_ends = 1;
  machine->denylisted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  wd_process_begin(wd_machine_add(machine, watchdog->role, watchdog->name, watchdog->path),
                   watchdog->pid, watchdog->start_ticks, watchdog->started_us);
  wd_machine_add(machine, WD_ROLE_WORKER, "worker", worker_path);
  return machine;
}

guint64
wd_machine_record(WdMachine *machine, WdProcess *process, WdEvent *event, WdRecordFlags flags)
{
  event->seq = ++machine->last_seq;
  process->last_seq = event->seq;
  if (event->message == NULL)
    event->message = machine->policy->message(event);
  if (machine->policy->states_basis) {
    const gboolean inferred = (flags & WD_RECORD_INFERRED) != 0;
    g_autofree char *details = g_steal_pointer(&event->details);
    event->details =
        wd_details_join(inferred ? "{\"basis\":\"inferred\"}" : "{\"basis\":\"seen\"}", details);
  }
  wd_actions_add(machine->actions, (WdAction){.kind = WD_ACTION_RECORD,
                                              .process = process->index,
                                              .event = event,
                                              .acknowledge = (flags & WD_RECORD_ACKNOWLEDGE) != 0,
                                              .details = (flags & WD_RECORD_DETAILS) != 0});
  return machine->last_seq;
}

void
wd_machine_log(const WdMachine *machine, const WdProcess *process, char *text)
{
  wd_actions_add(machine->actions,
                 (WdAction){.kind = WD_ACTION_LOG, .process = process->index, .text = text});
}

void
wd_machine_publish(WdMachine *machine)
{
  wd_actions_add(machine->actions, (WdAction){.kind = WD_ACTION_PUBLISH});
}
