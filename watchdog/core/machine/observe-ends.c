#include "watchdog/core/machine/observe-ends.h"

#include <signal.h>

#include "watchdog/core/machine/checks.h"
#include "watchdog/core/machine/observe-exits.h"
#include "watchdog/core/machine/observe-pause.h"

/* --- over a limit --- */

/* The watcher acts at its next check. From then on the process has its grace time to end. */
void
wd_observe_exceeded(WdMachine *machine, WdProcess *process, const WdVerdict *breach,
                    WdRecordFlags flags)
{
  WdEnding *ending = &process->ending;
  if (ending->reason != WD_REASON_NONE && machine->now_us > ending->next_us)
    *ending = (WdEnding){.reason = WD_REASON_NONE};
  const gint64 acted_us =
      machine->now_us + WD_REAP_WAIT_US +
      (WD_CHECK_INTERVAL_S + machine->limits.forced_shutdown_delay_s) * G_TIME_SPAN_SECOND;
  if (ending->reason == WD_REASON_NONE) {
    WdEvent *event = wd_process_breach_event(process, WD_EVENT_LIMIT_EXCEEDED, breach,
                                             &machine->limits, machine->now_us);
    *ending = (WdEnding){.reason = breach->reason, .breach = *breach, .watch_until_us = acted_us};
    ending->cause_seq = wd_machine_record(machine, process, event, flags);
  }
  ending->next_us = acted_us;
}

/* The watcher's check may come just before ours, and see a strike that we have yet to see. The
 * process is gone, so there is no other look at it. So what it used since our last check counts, if
 * that is too much for the time that passed. */
static void
judge_last_interval(WdMachine *machine, WdProcess *process)
{
  WdMeter meter = process->meter;
  if (process->last_check_us == WD_NONE || process->ending.reason != WD_REASON_NONE ||
      process->last_check_us - meter.regular_us < WD_OBSERVE_LOOK_US ||
      !wd_checks_watched(machine, process, machine->now_us))
    return;
  const WdVerdict verdict =
      wd_meter_sample(&meter, &machine->limits, &process->sample, process->last_check_us, TRUE);
  if (verdict.reason == WD_REASON_CPU)
    wd_observe_exceeded(machine, process, &verdict, WD_RECORD_PLAIN);
}

/* --- a child's end --- */

/* Whether a process that the watcher ends may end like this: by itself when asked, or killed. A
 * worker in the middle of a query exits with 78 when its alarm comes first. */
static gboolean
fits_termination(const WdProcess *process, const WdExit *how)
{
  if (!wd_exit_known(how))
    return TRUE;
  if (how->signal != WD_NONE)
    return how->signal == SIGTERM || how->signal == SIGKILL || how->signal == SIGUSR1;
  return process->role != WD_ROLE_WORKER || how->code == 0 || how->code == WD_EXIT_CATASTROPHIC;
}

static gboolean
must_be_terminated(const WdMachine *machine, const WdProcess *process, const WdExit *how)
{
  return process->ending.reason != WD_REASON_NONE && machine->now_us <= process->ending.next_us &&
         fits_termination(process, how);
}

static WdEvent *
terminated_event(const WdMachine *machine, const WdProcess *process, const WdExit *how)
{
  WdEvent *event =
      wd_process_breach_event(process, WD_EVENT_PROCESS_TERMINATED, &process->ending.breach,
                              &machine->limits, machine->now_us);
  event->cause_seq = process->ending.cause_seq;
  if (wd_exit_known(how))
    event->outcome = how->signal == SIGKILL ? WD_OUTCOME_KILLED : WD_OUTCOME_GRACEFUL;
  return event;
}

static WdReason
reason_of(const WdExit *how)
{
  if (!wd_exit_known(how))
    return WD_REASON_NONE;
  return how->signal != WD_NONE ? WD_REASON_SIGNAL : WD_REASON_EXIT;
}

/* It doesn't run any more. What its end means follows. */
static void
leave(WdMachine *machine, WdProcess *process)
{
  wd_process_forget_pid(process);
  wd_process_change(process, WD_CHANGE_GONE);
  process->ending = (WdEnding){.reason = WD_REASON_NONE};
  if (process->role == WD_ROLE_WORKER)
    wd_observe_worker_goes(machine);
}

void
wd_observe_child_gone(WdMachine *machine, WdProcess *process, const WdExit *how)
{
  wd_process_end(process, how, machine->now_us);
  judge_last_interval(machine, process);
  const gboolean terminated = must_be_terminated(machine, process, how);
  WdEvent *event = terminated ? terminated_event(machine, process, how)
                              : wd_process_event(process, WD_EVENT_PROCESS_EXITED, reason_of(how));
  wd_process_describe_end(process, &machine->limits, event, machine->now_us);
  process->terminations += terminated;
  leave(machine, process);
  if (terminated)
    wd_observe_record_end(machine, process, event, WD_RECORD_INFERRED);
  else
    wd_observe_exited(machine, process, event);
}

/* --- the watcher's end --- */

/* Why a watcher stops because of its worker. */
typedef enum {
  BECAUSE_OF_NOTHING,
  BECAUSE_OF_STATUS,  /* the worker's asked for that */
  BECAUSE_OF_RESTARTS /* too many */
} Because;

/* A watcher gives up when its worker is gone after the last quick exit that is allowed. Then it
 * exits, or ends us. @how: the watcher's end. */
static Because
judge_stop(const WdMachine *machine, const WdExit *how)
{
  const WdProcess *worker = wd_machine_worker(machine);
  const gboolean known = wd_exit_known(how);
  if (worker->starts == 0 || wd_process_alive(worker))
    return BECAUSE_OF_NOTHING;
  if (worker->last_exit_code == WD_EXIT_CATASTROPHIC &&
      (!known || how->code == WD_EXIT_CATASTROPHIC))
    return BECAUSE_OF_STATUS;
  return worker->respawn.quick_exits >= machine->limits.respawn_limit &&
                 (!known || how->code == WD_EXIT_FAILED)
             ? BECAUSE_OF_RESTARTS
             : BECAUSE_OF_NOTHING;
}

/* Returns: the event that led to the watcher's end; 0: none. */
static guint64
record_because(WdMachine *machine, Because because)
{
  WdProcess *worker = wd_machine_worker(machine);
  if (because != BECAUSE_OF_RESTARTS)
    return because == BECAUSE_OF_STATUS ? worker->gone_seq : 0;
  if (!machine->observing.limits_known)
    return 0;
  WdEvent *event = wd_process_event(worker, WD_EVENT_RESPAWN_LIMIT_REACHED,
                                    machine->observing.worker_gone_reason);
  event->cause_seq = worker->gone_seq;
  event->restarts = worker->starts - 1;
  return wd_machine_record(machine, worker, event, WD_RECORD_INFERRED);
}

/* Records how the children ended, and why the watcher did. A watcher that stops ends its worker
 * before itself, and asks us at the same time. @asked: we are asked to stop; else @how: the
 * watcher's end. Returns: the event that led to that; 0: none. */
static guint64
settle(WdMachine *machine, const WdExit *how, gboolean asked)
{
  const Because because = judge_stop(machine, how);
  const gboolean worker_too = because == BECAUSE_OF_NOTHING && (asked || how->code != WD_NONE) &&
                              wd_observe_worker_fits_stop(machine);
  const gboolean certain = machine->observing.limits_known || because == BECAUSE_OF_STATUS;
  const gboolean stops =
      worker_too || how->code != WD_NONE || (because != BECAUSE_OF_NOTHING && certain);
  if (stops)
    wd_observe_attribute_to_stop(machine, worker_too);
  wd_observe_settle_all(machine);
  const guint64 cause_seq = record_because(machine, because);
  if (stops)
    wd_observe_dismiss_all(machine);
  return cause_seq;
}

static void
close_run(WdMachine *machine, WdReason reason, const WdExit *how, guint64 cause_seq)
{
  WdProcess *watcher = wd_machine_watchdog(machine);
  WdEvent *event = wd_process_event(watcher, WD_EVENT_WATCHDOG_STOPPED, reason);
  event->cause_seq = cause_seq;
  event->exit_code = how->code;
  event->exit_signal = how->signal;
  wd_machine_record(machine, watcher, event, WD_RECORD_PLAIN);
  machine->closed = TRUE;
}

void
wd_observe_watcher_gone(WdMachine *machine, const WdExit *how)
{
  WdProcess *watcher = wd_machine_watchdog(machine);
  const guint64 cause_seq = settle(machine, how, FALSE);
  const gboolean unhealthy = watcher->ending.reason != WD_REASON_NONE &&
                             (!wd_exit_known(how) || how->code == WD_EXIT_CATASTROPHIC);
  wd_process_end(watcher, how, machine->now_us);
  close_run(machine, reason_of(how), how, unhealthy ? watcher->ending.cause_seq : cause_seq);
  wd_process_forget_pid(watcher);
  wd_process_change(watcher, WD_CHANGE_DISMISSED);
}

void
wd_observe_close(WdMachine *machine)
{
  close_run(machine, WD_REASON_REQUEST, &WD_EXIT_UNKNOWN, settle(machine, &WD_EXIT_UNKNOWN, TRUE));
}
