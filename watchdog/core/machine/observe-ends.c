#include "watchdog/core/machine/observe-ends.h"

#include <signal.h>

#include "watchdog/core/machine/checks.h"
#include "watchdog/core/machine/observe-pause.h"
#include "watchdog/core/machine/presence.h"

/* An extension made with osquery's SDKs goes within an interval and a timeout of its worker. */
#define FOLLOW_US (10 * G_TIME_SPAN_SECOND)

/* --- over a limit --- */

/* The watcher acts at its next check. From then on the process has its grace time to end. */
void
wd_observe_exceeded(WdMachine *machine, WdProcess *process, const WdVerdict *breach,
                    WdRecordFlags flags)
{
  WdEnding *ending = &process->ending;
  if (ending->reason != WD_REASON_NONE && machine->now_us > ending->next_us)
    *ending = (WdEnding){.reason = WD_REASON_NONE};
  if (ending->reason == WD_REASON_NONE) {
    WdEvent *event = wd_process_breach_event(process, WD_EVENT_LIMIT_EXCEEDED, breach,
                                             &machine->limits, machine->now_us);
    *ending = (WdEnding){.reason = breach->reason, .breach = *breach};
    ending->cause_seq = wd_machine_record(machine, process, event, flags);
  }
  ending->next_us =
      machine->now_us + WD_REAP_WAIT_US +
      (WD_CHECK_INTERVAL_S + machine->limits.forced_shutdown_delay_s) * G_TIME_SPAN_SECOND;
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

/* Whether an extension's end follows from the worker's. */
static gboolean
follows_worker(const WdMachine *machine, const WdProcess *process, const WdExit *how)
{
  const gint64 gone_us = machine->worker_gone_us;
  return process->role == WD_ROLE_EXTENSION && gone_us != WD_NONE &&
         gone_us >= process->started_us && machine->now_us - gone_us <= FOLLOW_US &&
         how->signal == WD_NONE;
}

static WdReason
reason_of(const WdExit *how)
{
  if (!wd_exit_known(how))
    return WD_REASON_NONE;
  return how->signal != WD_NONE ? WD_REASON_SIGNAL : WD_REASON_EXIT;
}

static WdEvent *
exited_event(const WdMachine *machine, const WdProcess *process, const WdExit *how)
{
  const gboolean follows = follows_worker(machine, process, how);
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_EXITED,
                                    follows ? WD_REASON_WORKER_GONE : reason_of(how));
  if (follows)
    event->cause_seq = wd_machine_worker(machine)->gone_seq;
  return event;
}

void
wd_observe_child_gone(WdMachine *machine, WdProcess *process, const WdExit *how)
{
  process->last_exit_code = how->code;
  process->last_exit_signal = how->signal;
  judge_last_interval(machine, process);
  const gboolean terminated = must_be_terminated(machine, process, how);
  WdEvent *event =
      terminated ? terminated_event(machine, process, how) : exited_event(machine, process, how);
  const WdReason reason = event->reason;
  const gboolean inferred = terminated || reason == WD_REASON_WORKER_GONE;
  wd_process_describe_end(process, &machine->limits, event, machine->now_us);
  process->terminations += terminated;
  process->gone_seq =
      wd_machine_record(machine, process, event, inferred ? WD_RECORD_INFERRED : WD_RECORD_PLAIN);
  wd_presence_lost(machine, process, reason, process->gone_seq);
  wd_process_forget_pid(process);
  wd_process_change(process, WD_CHANGE_GONE);
  process->ending = (WdEnding){.reason = WD_REASON_NONE};
  if (process->role != WD_ROLE_WORKER)
    return;
  wd_observe_worker_goes(machine, reason);
  wd_presence_end(machine);
}

/* --- the watcher's end --- */

/* A watcher gives up when its worker is gone after the last quick exit that is allowed. Then it
 * exits, or ends us. @how: the watcher's end. Returns: the event that led to it; 0: none. */
static guint64
record_give_up(WdMachine *machine, const WdExit *how)
{
  WdProcess *worker = wd_machine_worker(machine);
  const gboolean known = wd_exit_known(how);
  if (worker->starts == 0 || wd_process_alive(worker))
    return 0;
  if (worker->last_exit_code == WD_EXIT_CATASTROPHIC &&
      (!known || how->code == WD_EXIT_CATASTROPHIC))
    return worker->gone_seq;
  if (!machine->observing.limits_known ||
      worker->respawn.quick_exits < machine->limits.respawn_limit ||
      (known && how->code != WD_EXIT_FAILED))
    return 0;
  WdEvent *event = wd_process_event(worker, WD_EVENT_RESPAWN_LIMIT_REACHED,
                                    machine->observing.worker_gone_reason);
  event->cause_seq = worker->gone_seq;
  event->restarts = worker->starts - 1;
  return wd_machine_record(machine, worker, event, WD_RECORD_INFERRED);
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
  const guint64 give_up_seq = record_give_up(machine, how);
  const gboolean unhealthy = watcher->ending.reason != WD_REASON_NONE &&
                             (!wd_exit_known(how) || how->code == WD_EXIT_CATASTROPHIC);
  watcher->last_exit_code = how->code;
  watcher->last_exit_signal = how->signal;
  close_run(machine, reason_of(how), how, unhealthy ? watcher->ending.cause_seq : give_up_seq);
  wd_process_forget_pid(watcher);
  wd_process_change(watcher, WD_CHANGE_DISMISSED);
}

void
wd_observe_close(WdMachine *machine)
{
  close_run(machine, WD_REASON_REQUEST, &WD_EXIT_UNKNOWN,
            record_give_up(machine, &WD_EXIT_UNKNOWN));
}
