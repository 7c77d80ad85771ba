#include "watchdog/core/machine/ending.h"

#include <signal.h>

#include "watchdog/core/event/message.h"

gboolean
wd_ending_is_for_limit(WdReason reason)
{
  return reason == WD_REASON_MEMORY || reason == WD_REASON_CPU;
}

void
wd_ending_for_limit(WdMachine *machine, WdProcess *process, const WdBreach *breach)
{
  WdEvent *event =
      wd_process_breach_event(process, WD_EVENT_LIMIT_EXCEEDED, breach, machine->now_us);
  wd_process_change(process, WD_CHANGE_ENDING);
  process->ending = (WdEnding){
      .reason = wd_breach_reason(breach),
      .breach = *breach,
      .grace_us = machine->limits.forced_shutdown_delay_s * G_USEC_PER_SEC,
      .next_us = machine->now_us + WD_STORE_WAIT_US,
  };
  process->ending.cause_seq =
      wd_machine_record(machine, process, event, WD_RECORD_ACKNOWLEDGE | WD_RECORD_DETAILS);
}

/* --- signals --- */

static void
send_kill(WdMachine *machine, WdProcess *process)
{
  WdEnding *ending = &process->ending;
  wd_actions_signal(machine->actions, process->index, SIGKILL);
  if (ending->sent == WD_SIGNALS_NONE)
    ending->first_signal_us = machine->now_us;
  ending->sent |= WD_SIGNALS_KILL;
  ending->next_us = machine->now_us + WD_REAP_WAIT_US;
  wd_process_change(process, WD_CHANGE_KILLED);
}

/* SIGUSR1 tells osqueryd that a resource limit was hit, so that it denylists the query it was
 * running: never sent for anything else. Without grace SIGTERM is left out, as osquery does. */
static void
send_first_signals(WdMachine *machine, WdProcess *process)
{
  WdEnding *ending = &process->ending;
  ending->first_signal_us = machine->now_us;
  if (process->role == WD_ROLE_WORKER && wd_ending_is_for_limit(ending->reason)) {
    wd_actions_signal(machine->actions, process->index, SIGUSR1);
    ending->sent |= WD_SIGNALS_USR1;
  }
  if (ending->grace_us == 0) {
    send_kill(machine, process);
    return;
  }
  wd_actions_signal(machine->actions, process->index, SIGTERM);
  ending->sent |= WD_SIGNALS_TERM;
  ending->next_us = machine->now_us + ending->grace_us;
}

void
wd_ending_begin(WdMachine *machine, WdProcess *process, WdReason reason, gint64 grace_us,
                guint64 cause_seq)
{
  switch (process->state) {
  case WD_STATE_RUNNING:
    wd_process_change(process, WD_CHANGE_ENDING);
    process->ending = (WdEnding){.reason = reason, .grace_us = grace_us, .cause_seq = cause_seq};
    send_first_signals(machine, process);
    break;
  case WD_STATE_WAITING:
  case WD_STATE_ABANDONED:
    if (!process->spawning)
      wd_process_change(process, WD_CHANGE_DISMISSED);
    break;
  case WD_STATE_TERMINATING:
  case WD_STATE_KILLING:
  case WD_STATE_STUCK:
  case WD_STATE_STOPPED:
    break;
  }
}

void
wd_ending_stored(WdMachine *machine, WdProcess *process, guint64 seq)
{
  if (process->state == WD_STATE_TERMINATING && process->ending.sent == WD_SIGNALS_NONE &&
      process->ending.cause_seq <= seq)
    send_first_signals(machine, process);
}

static gint64
duration_ms(const WdMachine *machine, const WdEnding *ending)
{
  return (machine->now_us - ending->first_signal_us) / G_TIME_SPAN_MILLISECOND;
}

static void
report_stuck(WdMachine *machine, WdProcess *process)
{
  const WdEnding *ending = &process->ending;
  WdEvent *event = wd_process_event(process, WD_EVENT_TERMINATION_STUCK, ending->reason);
  event->cause_seq = ending->cause_seq;
  event->signals_sent = ending->sent;
  event->duration_ms = duration_ms(machine, ending);
  wd_process_change(process, WD_CHANGE_OVERDUE);
  wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
}

gint64
wd_ending_deadline(const WdProcess *process)
{
  const gboolean waits =
      process->state == WD_STATE_TERMINATING || process->state == WD_STATE_KILLING;
  return waits ? process->ending.next_us : G_MAXINT64;
}

void
wd_ending_advance(WdMachine *machine, WdProcess *process)
{
  if (machine->now_us < wd_ending_deadline(process))
    return;
  if (process->state == WD_STATE_KILLING) {
    report_stuck(machine, process);
  } else if (process->ending.sent == WD_SIGNALS_NONE) {
    send_first_signals(machine, process);
  } else {
    wd_actions_log(machine->actions, process->index,
                   wd_kill_message(process->role, process->path, process->pid));
    send_kill(machine, process);
  }
}

void
wd_ending_kill_now(WdMachine *machine, WdProcess *process)
{
  if (process->state == WD_STATE_TERMINATING)
    send_kill(machine, process);
}

/* --- ended --- */

static WdOutcome
outcome_of(const WdProcess *process)
{
  if (process->state == WD_STATE_STUCK)
    return WD_OUTCOME_STUCK;
  return (process->ending.sent & WD_SIGNALS_KILL) != 0 ? WD_OUTCOME_KILLED : WD_OUTCOME_GRACEFUL;
}

guint64
wd_ending_record(WdMachine *machine, WdProcess *process)
{
  const WdEnding *ending = &process->ending;
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_TERMINATED, ending->reason);
  if (wd_ending_is_for_limit(ending->reason))
    wd_breach_describe(&ending->breach, event);
  wd_process_describe_end(process, event, machine->now_us);
  event->cause_seq = ending->cause_seq;
  event->outcome = outcome_of(process);
  event->signals_sent = ending->sent;
  event->duration_ms = duration_ms(machine, ending);
  return wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
}
