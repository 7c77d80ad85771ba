#include "watchdog/core/machine/lifecycle.h"

#include <signal.h>

#include "watchdog/core/event/message.h"

/* --- over a limit --- */

static void
describe_breach(WdEvent *event, const WdBreach *breach)
{
  event->measured = breach->verdict.measured;
  event->limit_value = breach->verdict.limit;
  event->unit = breach->verdict.unit;
  if (breach->verdict.kind == WD_VERDICT_CPU) {
    event->utilization = breach->utilization;
    event->utilization_limit = breach->utilization_limit;
    event->sustained_s = breach->sustained_s;
  }
}

static WdReason
reason_of(const WdBreach *breach)
{
  return breach->verdict.kind == WD_VERDICT_CPU ? WD_REASON_CPU : WD_REASON_MEMORY;
}

gboolean
wd_process_is_limit(WdReason reason)
{
  return reason == WD_REASON_MEMORY || reason == WD_REASON_CPU;
}

WdEvent *
wd_process_breach_event(const WdStep *step, const WdProcess *process, WdEventKind kind,
                        const WdBreach *breach)
{
  WdEvent *event = wd_process_event(process, kind, reason_of(breach));
  describe_breach(event, breach);
  event->lifetime_ms = wd_process_lifetime_ms(step, process);
  return event;
}

void
wd_process_end_for_limit(WdStep *step, WdProcess *process, const WdBreach *breach)
{
  WdEvent *event = wd_process_breach_event(step, process, WD_EVENT_LIMIT_EXCEEDED, breach);
  process->state = WD_STATE_TERMINATING;
  process->ending = (WdEnding){
      .reason = reason_of(breach),
      .breach = *breach,
      .grace_us = step->limits->forced_shutdown_delay_s * G_USEC_PER_SEC,
      .next_us = step->now_us + WD_STORE_WAIT_US,
  };
  process->ending.cause_seq = wd_process_record(step, process, event, TRUE);
}

void
wd_process_record_unhealthy(WdStep *step, WdProcess *process, const WdBreach *breach)
{
  wd_process_record(step, process,
                    wd_process_breach_event(step, process, WD_EVENT_LIMIT_EXCEEDED, breach), FALSE);
}

void
wd_process_record_breach(WdStep *step, WdProcess *process, const WdBreach *breach)
{
  if (process->breach_recorded)
    return;
  process->breach_recorded = TRUE;
  WdEvent *event = wd_process_breach_event(step, process, WD_EVENT_WOULD_TERMINATE, breach);
  wd_process_record(step, process, event, FALSE);
}

/* --- signals --- */

static void
send_kill(WdStep *step, WdProcess *process)
{
  wd_actions_signal(step->actions, process->index, SIGKILL);
  if (process->ending.sent == WD_SIGNALS_NONE)
    process->ending.first_signal_us = step->now_us;
  process->ending.sent |= WD_SIGNALS_KILL;
  process->ending.next_us = step->now_us + WD_REAP_WAIT_US;
  process->state = WD_STATE_KILLING;
}

/* SIGUSR1 tells osqueryd that a resource limit was hit, so that it denylists the query it was
 * running: never sent for anything else. Without grace SIGTERM is left out, as osquery does. */
static void
send_first_signals(WdStep *step, WdProcess *process)
{
  WdEnding *ending = &process->ending;
  ending->first_signal_us = step->now_us;
  if (process->role == WD_ROLE_WORKER && wd_process_is_limit(ending->reason)) {
    wd_actions_signal(step->actions, process->index, SIGUSR1);
    ending->sent |= WD_SIGNALS_USR1;
  }
  if (ending->grace_us == 0) {
    send_kill(step, process);
    return;
  }
  wd_actions_signal(step->actions, process->index, SIGTERM);
  ending->sent |= WD_SIGNALS_TERM;
  ending->next_us = step->now_us + ending->grace_us;
}

void
wd_process_end(WdStep *step, WdProcess *process, WdReason reason, gint64 grace_us)
{
  switch (process->state) {
  case WD_STATE_RUNNING:
    process->state = WD_STATE_TERMINATING;
    process->ending = (WdEnding){
        .reason = reason,
        .grace_us = grace_us,
    };
    send_first_signals(step, process);
    break;
  case WD_STATE_WAITING:
  case WD_STATE_ABANDONED:
    /* One that is being spawned is stopped when it has been: see wd_supervisor_step(). */
    if (!process->spawning)
      process->state = WD_STATE_STOPPED;
    break;
  case WD_STATE_TERMINATING:
  case WD_STATE_KILLING:
  case WD_STATE_STUCK:
  case WD_STATE_STOPPED:
    break;
  }
}

void
wd_process_stored(WdStep *step, WdProcess *process, guint64 seq)
{
  if (process->state == WD_STATE_TERMINATING && process->ending.sent == WD_SIGNALS_NONE &&
      process->ending.cause_seq <= seq)
    send_first_signals(step, process);
}

static void
report_stuck(WdStep *step, WdProcess *process)
{
  WdEvent *event = wd_process_event(process, WD_EVENT_TERMINATION_STUCK, process->ending.reason);
  event->cause_seq = process->ending.cause_seq;
  event->signals_sent = process->ending.sent;
  event->duration_ms = (step->now_us - process->ending.first_signal_us) / G_TIME_SPAN_MILLISECOND;
  process->state = WD_STATE_STUCK;
  wd_process_record(step, process, event, FALSE);
}

void
wd_process_advance(WdStep *step, WdProcess *process)
{
  switch (process->state) {
  case WD_STATE_TERMINATING:
    if (step->now_us < process->ending.next_us)
      break;
    if (process->ending.sent == WD_SIGNALS_NONE) {
      send_first_signals(step, process);
    } else {
      wd_actions_log(step->actions, process->index,
                     wd_kill_message(process->role, process->path, process->pid));
      send_kill(step, process);
    }
    break;
  case WD_STATE_KILLING:
    if (step->now_us >= process->ending.next_us)
      report_stuck(step, process);
    break;
  case WD_STATE_WAITING:
  case WD_STATE_RUNNING:
  case WD_STATE_STUCK:
  case WD_STATE_STOPPED:
  case WD_STATE_ABANDONED:
    break;
  }
}

void
wd_process_kill_now(WdStep *step, WdProcess *process)
{
  if (process->state == WD_STATE_TERMINATING)
    send_kill(step, process);
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
wd_process_record_termination(WdStep *step, WdProcess *process)
{
  const WdEnding *ending = &process->ending;
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_TERMINATED, ending->reason);
  if (wd_process_is_limit(ending->reason))
    describe_breach(event, &ending->breach);
  event->cause_seq = ending->cause_seq;
  event->outcome = outcome_of(process);
  event->exit_code = process->last_exit_code;
  event->exit_signal = process->last_exit_signal;
  event->signals_sent = ending->sent;
  event->duration_ms = (step->now_us - ending->first_signal_us) / G_TIME_SPAN_MILLISECOND;
  event->lifetime_ms = wd_process_lifetime_ms(step, process);
  event->restarts = process->starts - 1;
  return wd_process_record(step, process, event, FALSE);
}
