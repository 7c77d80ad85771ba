#include "watchdog/core/machine/ending.h"

#include <signal.h>

#include "watchdog/core/event/message.h"

gboolean
wd_ending_is_for_limit(WdReason reason)
{
  return reason == WD_REASON_MEMORY || reason == WD_REASON_CPU || reason == WD_REASON_UNRESPONSIVE;
}

void
wd_ending_for_limit(WdMachine *machine, WdProcess *process, const WdVerdict *breach)
{
  WdEvent *event = wd_process_breach_event(process, WD_EVENT_LIMIT_EXCEEDED, breach,
                                           &machine->limits, machine->now_us);
  wd_process_change(process, WD_CHANGE_ENDING);
  wd_meter_keep_baseline(&process->meter);
  process->ending = (WdEnding){
      .reason = breach->reason,
      .breach = *breach,
      .grace_us = machine->limits.forced_shutdown_delay_s * G_USEC_PER_SEC,
      .next_us = machine->now_us + (machine->supervising.storeless ? 0 : WD_STORE_WAIT_US),
  };
  process->ending.cause_seq =
      wd_machine_record(machine, process, event, WD_RECORD_ACKNOWLEDGE | WD_RECORD_DETAILS);
}

/* It was asked to end, or is about to be, and keeps growing. */
static gboolean
outgrows_its_grace(const WdMachine *machine, const WdProcess *process)
{
  return process->state == WD_STATE_TERMINATING && process->ending.reason == WD_REASON_MEMORY &&
         wd_meter_outgrows(&machine->limits, process->ending.breach.measured,
                           process->meter.footprint_bytes);
}

/* --- signals --- */

static void
send_signal(WdMachine *machine, const WdProcess *process, int signo)
{
  wd_actions_add(machine->actions,
                 (WdAction){.kind = WD_ACTION_SIGNAL, .process = process->index, .signo = signo});
}

static void
send_kill(WdMachine *machine, WdProcess *process)
{
  WdEnding *ending = &process->ending;
  send_signal(machine, process, SIGKILL);
  if (ending->sent == WD_SIGNALS_NONE)
    ending->first_signal_us = machine->now_us;
  ending->sent |= WD_SIGNALS_KILL;
  ending->next_us = machine->now_us + WD_REAP_WAIT_US;
  wd_process_change(process, WD_CHANGE_KILLED);
}

static void
cut_grace_short(WdMachine *machine, WdProcess *process)
{
  process->ending.outgrown_bytes = process->meter.footprint_bytes;
  wd_machine_log(machine, process,
                 wd_outgrown_message(process->role, process->path, process->pid,
                                     process->ending.outgrown_bytes));
  send_kill(machine, process);
}

/* SIGUSR1 makes osqueryd denylist the query that it is running, so it is sent for a limit only.
 * Without grace time SIGTERM is left out, as osquery does. */
static void
send_first_signals(WdMachine *machine, WdProcess *process)
{
  WdEnding *ending = &process->ending;
  ending->first_signal_us = machine->now_us;
  if (process->role == WD_ROLE_WORKER && wd_ending_is_for_limit(ending->reason)) {
    send_signal(machine, process, SIGUSR1);
    ending->sent |= WD_SIGNALS_USR1;
  }
  if (ending->grace_us == 0) {
    send_kill(machine, process);
    return;
  }
  if (outgrows_its_grace(machine, process)) {
    cut_grace_short(machine, process);
    return;
  }
  send_signal(machine, process, SIGTERM);
  ending->sent |= WD_SIGNALS_TERM;
  ending->next_us = machine->now_us + ending->grace_us;
}

void
wd_ending_begin(WdMachine *machine, WdProcess *process, WdReason reason, guint64 cause_seq)
{
  const gint64 grace_s = reason == WD_REASON_REQUEST ? machine->limits.stop_grace_s
                                                     : machine->limits.forced_shutdown_delay_s;
  switch (process->state) {
  case WD_STATE_RUNNING:
    wd_process_change(process, WD_CHANGE_ENDING);
    process->ending =
        (WdEnding){.reason = reason, .grace_us = grace_s * G_USEC_PER_SEC, .cause_seq = cause_seq};
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
  if (process->ending.sent != WD_SIGNALS_NONE && outgrows_its_grace(machine, process)) {
    cut_grace_short(machine, process);
    return;
  }
  if (machine->now_us < wd_ending_deadline(process))
    return;
  if (process->state == WD_STATE_KILLING) {
    report_stuck(machine, process);
  } else if (process->ending.sent == WD_SIGNALS_NONE) {
    send_first_signals(machine, process);
  } else {
    wd_machine_log(machine, process, wd_kill_message(process->role, process->path, process->pid));
    send_kill(machine, process);
  }
}

static void
kill_now(WdMachine *machine, WdProcess *process)
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
  wd_process_describe_end(process, &machine->limits, event, machine->now_us);
  event->cause_seq = ending->cause_seq;
  event->outcome = outcome_of(process);
  event->signals_sent = ending->sent;
  event->duration_ms = duration_ms(machine, ending);
  if (ending->outgrown_bytes > 0) {
    event->message = wd_cut_short_message(event, ending->outgrown_bytes);
    event->details =
        g_strdup_printf("{\"grace_cut_at_bytes\":%" G_GINT64_FORMAT "}", ending->outgrown_bytes);
  }
  return wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
}

/* --- everything --- */

void
wd_ending_stop(WdMachine *machine, WdProcess *process)
{
  wd_ending_begin(machine, process, WD_REASON_REQUEST, 0);
  if (machine->supervising.stop_at_once)
    kill_now(machine, process);
}

void
wd_ending_all(WdMachine *machine, WdReason reason, int exit_code, guint64 cause_seq)
{
  WdSupervising *own = &machine->supervising;
  if (own->stopping)
    return;
  own->stopping = TRUE;
  own->stop_reason = reason;
  own->stop_cause_seq = cause_seq;
  own->exit_code = exit_code;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    wd_ending_stop(machine, wd_machine_at(machine, i));
}

void
wd_ending_stop_requested(WdMachine *machine)
{
  WdSupervising *own = &machine->supervising;
  if (!own->stop_requested) {
    own->stop_requested = TRUE;
    wd_ending_all(machine, WD_REASON_REQUEST, WD_EXIT_STOPPED, 0);
    return;
  }
  own->stop_at_once = TRUE;
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    kill_now(machine, wd_machine_at(machine, i));
}

/* Whether it doesn't run and isn't being spawned, or can't be killed. */
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
wd_ending_finish(WdMachine *machine)
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
  wd_machine_publish(machine);
  wd_actions_add(machine->actions, (WdAction){.kind = WD_ACTION_EXIT, .exit_code = own->exit_code});
  machine->closed = TRUE;
}
