#include "watchdog/core/machine/observe-exits.h"

#include <signal.h>

#include "watchdog/core/machine/presence.h"

/* A core that ends gracefully shuts its extensions down just before. A watcher that stops ends all
 * its children at once, and itself when they are gone. */
#define HELD_US (2 * G_TIME_SPAN_SECOND)

/* An extension made with osquery's SDKs goes within an interval and a timeout of its worker. */
#define FOLLOW_US (10 * G_TIME_SPAN_SECOND)

/* --- what fits --- */

static gboolean
is_known(const WdEvent *event)
{
  return event->exit_code != WD_NONE || event->exit_signal != WD_NONE;
}

/* A watcher that stops sends SIGTERM and, in the end, SIGKILL. */
static gboolean
fits_stop(const WdEvent *event)
{
  if (event->exit_signal != WD_NONE)
    return event->exit_signal == SIGTERM || event->exit_signal == SIGKILL;
  return event->exit_code == 0 || !is_known(event);
}

/* A core shuts down what is registered with it. */
static gboolean
fits_shutdown(const WdProcess *process, const WdEvent *event)
{
  return process->role == WD_ROLE_EXTENSION && event->exit_signal == WD_NONE &&
         (process->presence.registered == TRUE || fits_stop(event));
}

/* Whether the end of @process at @gone_us came so soon after the worker's that it follows from it.
 */
static gboolean
follows_worker(const WdMachine *machine, const WdProcess *process, const WdEvent *event,
               gint64 gone_us)
{
  const gint64 worker_gone_us = machine->worker_gone_us;
  return process->role == WD_ROLE_EXTENSION && event->exit_signal == WD_NONE &&
         worker_gone_us != WD_NONE && worker_gone_us >= process->started_us &&
         worker_gone_us <= gone_us && gone_us - worker_gone_us <= FOLLOW_US;
}

/* Whether the worker's end came while that of @process was held, because the worker shut it down.
 */
static gboolean
precedes_worker(const WdMachine *machine, const WdProcess *process, const WdEvent *event)
{
  return machine->worker_gone_us != WD_NONE && machine->worker_gone_us > process->held_us &&
         machine->worker_gone_us <= process->held_until_us && fits_shutdown(process, event);
}

/* --- recorded --- */

static void
record_exit(WdMachine *machine, WdProcess *process, WdEvent *event, gboolean worker_gone)
{
  const gboolean stopped = event->kind == WD_EVENT_PROCESS_TERMINATED;
  if (worker_gone && !stopped) {
    event->reason = WD_REASON_WORKER_GONE;
    event->cause_seq = wd_machine_worker(machine)->gone_seq;
  }
  wd_observe_record_end(machine, process, event,
                        worker_gone || stopped ? WD_RECORD_INFERRED : WD_RECORD_PLAIN);
}

static gboolean
is_workers_doing(const WdMachine *machine, const WdProcess *process)
{
  return process->held != NULL &&
         (follows_worker(machine, process, process->held, process->held_us) ||
          precedes_worker(machine, process, process->held));
}

static void
settle(WdMachine *machine, WdProcess *process)
{
  const gboolean worker_gone = is_workers_doing(machine, process);
  WdEvent *held = g_steal_pointer(&process->held);
  if (held != NULL)
    record_exit(machine, process, held, worker_gone);
}

/* The worker's end is recorded. What doesn't follow from it waits for the watcher's stop alone. */
static void
settle_followers(WdMachine *machine)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    WdProcess *extension = wd_machine_at(machine, i);
    if (is_workers_doing(machine, extension))
      settle(machine, extension);
    extension->held_until_us = MIN(extension->held_until_us, extension->held_us + HELD_US);
  }
}

void
wd_observe_record_end(WdMachine *machine, WdProcess *process, WdEvent *event, WdRecordFlags flags)
{
  const WdReason reason = event->reason;
  process->pid = event->pid; /* for the event about its registration */
  process->gone_seq = wd_machine_record(machine, process, event, flags);
  wd_presence_lost(machine, process, reason, process->gone_seq);
  wd_process_forget_pid(process);
  if (process->role != WD_ROLE_WORKER)
    return;
  machine->observing.worker_gone_reason = reason;
  settle_followers(machine);
  wd_presence_end(machine);
}

/* --- held --- */

/* A worker over its limit may take its grace time to end, but shuts extensions down before. */
static gint64
hold_until_us(const WdMachine *machine, const WdProcess *process)
{
  const WdProcess *worker = wd_machine_worker(machine);
  const gboolean ends = process->role == WD_ROLE_EXTENSION && wd_process_alive(worker) &&
                        worker->ending.reason != WD_REASON_NONE;
  return MAX(machine->now_us + HELD_US, ends ? worker->ending.next_us : 0);
}

void
wd_observe_exited(WdMachine *machine, WdProcess *process, WdEvent *event)
{
  const gboolean follows = follows_worker(machine, process, event, machine->now_us);
  const gboolean waits_for_worker = follows && wd_machine_worker(machine)->held != NULL;
  const gboolean undecided = !follows && (fits_stop(event) || fits_shutdown(process, event));
  if (!waits_for_worker && !undecided) {
    record_exit(machine, process, event, follows);
    return;
  }
  process->held = event;
  process->held_us = machine->now_us;
  process->held_until_us = hold_until_us(machine, process);
}

void
wd_observe_settle(WdMachine *machine, WdProcess *process)
{
  /* The watcher starts children, so it doesn't stop. */
  if (process->held != NULL)
    settle(machine, wd_machine_worker(machine));
  settle(machine, process);
}

void
wd_observe_settle_due(WdMachine *machine)
{
  WdProcess *worker = wd_machine_worker(machine);
  if (worker->held != NULL && machine->now_us >= worker->held_until_us)
    settle(machine, worker);
  if (worker->held != NULL)
    return;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    WdProcess *extension = wd_machine_at(machine, i);
    if (extension->held != NULL && machine->now_us >= extension->held_until_us)
      settle(machine, extension);
  }
}

gint64
wd_observe_settle_due_us(const WdMachine *machine)
{
  const WdProcess *worker = wd_machine_worker(machine);
  gint64 due_us = G_MAXINT64;
  if (worker->held != NULL)
    return worker->held_until_us;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    const WdProcess *extension = wd_machine_at(machine, i);
    if (extension->held != NULL)
      due_us = MIN(due_us, extension->held_until_us);
  }
  return due_us;
}

/* --- the watcher stops --- */

gboolean
wd_observe_worker_fits_stop(const WdMachine *machine)
{
  const WdProcess *worker = wd_machine_worker(machine);
  return worker->held != NULL && fits_stop(worker->held);
}

static void
attribute(WdProcess *process)
{
  WdEvent *event = process->held;
  if (event == NULL || !fits_stop(event))
    return;
  event->kind = WD_EVENT_PROCESS_TERMINATED;
  event->reason = WD_REASON_REQUEST;
  if (is_known(event))
    event->outcome = event->exit_signal == SIGKILL ? WD_OUTCOME_KILLED : WD_OUTCOME_GRACEFUL;
}

void
wd_observe_attribute_to_stop(WdMachine *machine, gboolean worker_too)
{
  const guint first = worker_too ? WD_PROCESS_WORKER : WD_PROCESS_FIRST_EXTENSION;
  for (guint i = first; i < machine->processes->len; i++)
    attribute(wd_machine_at(machine, i));
}

void
wd_observe_settle_all(WdMachine *machine)
{
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++)
    settle(machine, wd_machine_at(machine, i));
}

/* Its end comes after ours, or at the same time. */
static void
end_living(WdMachine *machine, WdProcess *process)
{
  wd_process_end(process, &WD_EXIT_UNKNOWN, machine->now_us);
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_TERMINATED, WD_REASON_REQUEST);
  wd_process_describe_end(process, &machine->limits, event, machine->now_us);
  event->outcome = WD_OUTCOME_INTERRUPTED;
  wd_observe_record_end(machine, process, event, WD_RECORD_INFERRED);
}

void
wd_observe_dismiss_all(WdMachine *machine)
{
  for (guint i = WD_PROCESS_WORKER; i < machine->processes->len; i++) {
    WdProcess *process = wd_machine_at(machine, i);
    if (wd_process_alive(process))
      end_living(machine, process);
    wd_process_change(process, WD_CHANGE_DISMISSED);
  }
}
