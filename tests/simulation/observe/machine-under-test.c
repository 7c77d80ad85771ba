#include "tests/simulation/observe/machine-under-test.h"

#include <string.h>

struct ObsMachine {
  WdObserve *observe;
};

ObsMachine *
obs_machine_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us)
{
  ObsMachine *machine = g_new0(ObsMachine, 1);
  machine->observe = wd_observe_new(watcher, report_interval_s, now_us);
  return machine;
}

void
obs_machine_free(ObsMachine *machine)
{
  wd_observe_free(machine->observe);
  g_free(machine);
}

void
obs_machine_found(ObsMachine *machine, const WdFound *child, gint64 now_us)
{
  wd_observe_appeared(machine->observe, child, now_us);
}

void
obs_machine_gone(ObsMachine *machine, gint64 pid, const WdExit *how, gint64 now_us)
{
  wd_observe_gone(machine->observe, pid, how, now_us);
}

void
obs_machine_limits(ObsMachine *machine, const WdLimits *limits, gint64 now_us)
{
  (void)now_us;
  wd_observe_set_limits(machine->observe, limits);
}

void
obs_machine_tick(ObsMachine *machine, const WdSample *const *samples, gint64 now_us)
{
  wd_observe_tick(machine->observe, samples, now_us);
}

void
obs_machine_reported(ObsMachine *machine, const WdReport *report, gint64 now_us)
{
  wd_observe_reported(machine->observe, report, now_us);
}

void
obs_machine_events_lost(ObsMachine *machine, guint64 lost, gint64 now_us)
{
  wd_observe_lost(machine->observe, lost, now_us);
}

void
obs_machine_history_recovered(ObsMachine *machine, const WdRecovery *recovery, gint64 now_us)
{
  wd_observe_recovered(machine->observe, recovery, now_us);
}

void
obs_machine_stop(ObsMachine *machine, gint64 now_us)
{
  wd_observe_stop(machine->observe, now_us);
}

gint64
obs_machine_deadline(const ObsMachine *machine)
{
  return wd_observe_deadline(machine->observe);
}

gboolean
obs_machine_wants_sample(const ObsMachine *machine, guint index, gint64 now_us)
{
  return wd_observe_wants_sample(machine->observe, index, now_us);
}

guint
obs_machine_count(const ObsMachine *machine)
{
  return wd_observe_count(machine->observe);
}

gint64
obs_machine_pid(const ObsMachine *machine, guint index)
{
  return wd_observe_pid(machine->observe, index);
}

GArray *
obs_machine_take_actions(ObsMachine *machine)
{
  return wd_observe_take_actions(machine->observe);
}

GPtrArray *
obs_machine_status(const ObsMachine *machine, gint64 now_us)
{
  return wd_observe_status(machine->observe, now_us, 0);
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
