#include "watchdog/core/machine/machine.h"

#include "watchdog/core/event/message.h"
#include "watchdog/core/machine/checks.h"
#include "watchdog/core/machine/presence.h"

void
wd_machine_free(WdMachine *machine)
{
  if (machine == NULL)
    return;
  g_hash_table_unref(machine->denylisted);
  g_clear_pointer(&machine->given_up, g_ptr_array_unref);
  g_array_unref(machine->processes);
  g_free(machine);
}

guint
wd_machine_count(const WdMachine *machine)
{
  return machine->processes->len;
}

gint64
wd_machine_pid(const WdMachine *machine, guint index)
{
  return wd_machine_at(machine, index)->pid;
}

const WdLimits *
wd_machine_limits(const WdMachine *machine)
{
  return &machine->limits;
}

gboolean
wd_machine_wants_sample(const WdMachine *machine, guint index, gint64 now_us)
{
  return !machine->closed && wd_checks_wants_sample(machine, wd_machine_at(machine, index), now_us);
}

gint64
wd_machine_deadline(const WdMachine *machine)
{
  if (machine->closed)
    return G_MAXINT64;
  return MIN(wd_checks_deadline(machine), machine->policy->deadline(machine));
}

/* --- stepping --- */

static void
record_start(WdMachine *machine)
{
  WdProcess *watchdog = wd_machine_watchdog(machine);
  if (machine->last_seq > 0)
    return;
  wd_machine_record(machine, watchdog,
                    wd_process_event(watchdog, WD_EVENT_WATCHDOG_STARTED, WD_REASON_NONE),
                    WD_RECORD_PLAIN);
}

/* About the store. Takes @details and @message. */
static void
record_store(WdMachine *machine, WdEventKind kind, char *details, char *message)
{
  WdProcess *watchdog = wd_machine_watchdog(machine);
  WdEvent *event = wd_process_event(watchdog, kind, WD_REASON_NONE);
  event->details = details;
  event->message = message;
  wd_machine_record(machine, watchdog, event, WD_RECORD_PLAIN);
}

/* What supervisors and observers take in alike. */
static void
take(WdMachine *machine, const WdInput *input)
{
  switch (input->kind) {
  case WD_INPUT_TICK:
    wd_checks_look(machine, input->samples);
    break;
  case WD_INPUT_REPORT:
    wd_presence_take(machine, input->report);
    break;
  case WD_INPUT_EVENTS_LOST:
    record_store(machine, WD_EVENT_EVENTS_LOST,
                 g_strdup_printf("{\"events\":%" G_GUINT64_FORMAT "}", input->lost),
                 wd_events_lost_message(input->lost));
    break;
  case WD_INPUT_HISTORY_RECOVERED:
    record_store(machine, WD_EVENT_HISTORY_RECOVERED, wd_recovery_details(input->recovery),
                 wd_recovery_message(input->recovery));
    break;
  case WD_INPUT_EXITED:
  case WD_INPUT_STORED:
  case WD_INPUT_STOP:
  case WD_INPUT_SPAWNED:
  case WD_INPUT_SPAWN_FAILED:
  case WD_INPUT_FAULTED:
  case WD_INPUT_MANAGER_ACCEPTS:
  case WD_INPUT_SETTINGS:
  case WD_INPUT_WANTED:
  case WD_INPUT_GIVEN_UP:
  case WD_INPUT_FOUND:
  case WD_INPUT_LIMITS:
    break; /* the policy's */
  }
}

/* Whether an action from @first on changes the state that is published, and none publishes it. */
static gboolean
changes_state(const GArray *actions, guint first)
{
  gboolean changes = FALSE;
  for (guint i = first; i < actions->len; i++) {
    const WdActionKind kind = g_array_index(actions, WdAction, i).kind;
    if (kind == WD_ACTION_PUBLISH || kind == WD_ACTION_EXIT)
      return FALSE;
    changes = changes || kind == WD_ACTION_RECORD || kind == WD_ACTION_SIGNAL;
  }
  return changes;
}

void
wd_machine_step(WdMachine *machine, const WdInput *input, gint64 now_us, GArray *actions)
{
  const guint before = actions->len;
  if (machine->closed)
    return;
  machine->now_us = now_us;
  machine->actions = actions;
  record_start(machine);
  take(machine, input);
  machine->policy->take(machine, input);
  if (changes_state(actions, before))
    wd_machine_publish(machine);
  machine->actions = NULL;
}

/* --- shown --- */

GPtrArray *
wd_machine_status(const WdMachine *machine, gint64 now_us, gint64 wall_offset_us)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func((GDestroyNotify)wd_process_status_free);
  for (guint i = 0; i < machine->processes->len; i++) {
    const WdProcess *process = wd_machine_at(machine, i);
    g_autoptr(WdProcessStatus) row = wd_process_status(process, &machine->limits, wall_offset_us);
    wd_presence_show(machine, process, now_us, row);
    row->enforced = wd_checks_watched(machine, process, now_us);
    /* Due, but waiting for a spawn or for the worker's manager. */
    if (process->next_start_us <= now_us)
      row->next_start_time_s = WD_NONE;
    if (machine->policy->show(machine, process, row))
      g_ptr_array_add(rows, g_steal_pointer(&row));
  }
  return rows;
}
