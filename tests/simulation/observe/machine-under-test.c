#include "tests/simulation/observe/machine-under-test.h"

#include <string.h>

struct ObsMachine {
  WdMachine *machine;
  GArray *actions; /* since they were taken last */
};

ObsMachine *
obs_machine_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us)
{
  ObsMachine *machine = g_new0(ObsMachine, 1);
  machine->machine = wd_observe_new(watcher, report_interval_s, now_us);
  machine->actions = wd_actions_new();
  /* The first step says that it has begun. */
  obs_machine_step(machine, &(WdInput){.kind = WD_INPUT_STORED}, now_us);
  return machine;
}

void
obs_machine_free(ObsMachine *machine)
{
  wd_machine_free(machine->machine);
  g_array_unref(machine->actions);
  g_free(machine);
}

void
obs_machine_step(ObsMachine *machine, const WdInput *input, gint64 now_us)
{
  wd_machine_step(machine->machine, input, now_us, machine->actions);
}

void
obs_machine_found(ObsMachine *machine, const WdFound *child, gint64 now_us)
{
  obs_machine_step(machine, &(WdInput){.kind = WD_INPUT_FOUND, .found = *child}, now_us);
}

void
obs_machine_gone(ObsMachine *machine, gint64 pid, const WdExit *how, gint64 now_us)
{
  WdInput input = {.kind = WD_INPUT_EXITED, .exited = how != NULL ? *how : WD_EXIT_UNKNOWN};
  if (wd_observe_find(machine->machine, pid, &input.process))
    obs_machine_step(machine, &input, now_us);
}

GArray *
obs_machine_take_actions(ObsMachine *machine)
{
  GArray *actions = g_steal_pointer(&machine->actions);
  machine->actions = wd_actions_new();
  return actions;
}

gint64
obs_machine_deadline(const ObsMachine *machine)
{
  return wd_machine_deadline(machine->machine);
}

gboolean
obs_machine_wants_sample(const ObsMachine *machine, guint index, gint64 now_us)
{
  return wd_machine_wants_sample(machine->machine, index, now_us);
}

guint
obs_machine_count(const ObsMachine *machine)
{
  return wd_machine_count(machine->machine);
}

gint64
obs_machine_pid(const ObsMachine *machine, guint index)
{
  return wd_machine_pid(machine->machine, index);
}

GPtrArray *
obs_machine_status(const ObsMachine *machine, gint64 now_us)
{
  return wd_machine_status(machine->machine, now_us, 0);
}

const char *
obs_machine_basis(const WdEvent *event)
{
  static const char *const bases[] = {"seen", "inferred"};
  for (guint i = 0; i < G_N_ELEMENTS(bases); i++) {
    g_autofree char *member = g_strdup_printf("\"basis\":\"%s\"", bases[i]);
    if (event->details != NULL && strstr(event->details, member) != NULL)
      return bases[i];
  }
  return NULL;
}
