#include "watchdog/core/machine/departures.h"

#include "watchdog/core/event/message.h"
#include "watchdog/core/machine/blame.h"
#include "watchdog/core/machine/ending.h"
#include "watchdog/core/machine/give-up.h"
#include "watchdog/core/machine/presence.h"
#include "watchdog/core/machine/worker-gone.h"

/* A worker that fails so soon, this often in a row, and never opens its manager's socket, doesn't
 * understand its command line. Backing off would only hide that. */
#define AT_ONCE_US (1 * G_TIME_SPAN_SECOND)
#define FAILURES_AT_ONCE_MAX 3

/* Time for the ping to fail, on a busy machine. */
#define NAME_HELD_SLACK_US (500 * G_TIME_SPAN_MILLISECOND)

/* What is known of an end when the next start is decided. */
typedef struct {
  WdReason reason;
  guint64 seq; /* the event */
  WdRespawnDecision decision;
  gboolean excused;  /* not the extension's own doing, nor the worker's end */
  gboolean for_good; /* the process is not started again */
} Departure;

/* --- the next start --- */

/* As often as osquery's own watcher tries. */
static gint64
next_try_us(const WdMachine *machine, const WdProcess *process)
{
  return MAX(machine->now_us, process->started_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC);
}

static void
record_delay(WdMachine *machine, WdProcess *process, const Departure *departure)
{
  WdEvent *event = wd_process_event(process, WD_EVENT_RESPAWN_DELAYED, departure->reason);
  event->delay_s = (departure->decision.delay_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
  event->restarts = MAX(process->starts - 1, 0);
  event->message = wd_respawn_message(process->role, process->path, departure->decision.failures);
  event->cause_seq = departure->seq;
  wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
}

/* Decides when a process that is gone is started again, or whether it is given up. A wait is
 * recorded as an event, unless the exit is excused: such waits are short and follow each other. */
static void
plan_start(WdMachine *machine, WdProcess *process, const Departure *departure)
{
  Departure plan = *departure;
  if (plan.for_good || machine->supervising.stopping || !process->wanted) {
    wd_process_change(process, WD_CHANGE_DISMISSED);
    return;
  }
  if (plan.decision.give_up && process->indispensable) {
    /* It is tried for ever; even with back-off switched off, not in a tight loop. */
    plan.decision.give_up = FALSE;
    plan.decision.delay_us = MAX(plan.decision.delay_us, WD_CHECK_INTERVAL_S * G_USEC_PER_SEC);
  }
  wd_process_change(process, WD_CHANGE_GONE);
  process->next_start_us =
      plan.excused ? next_try_us(machine, process) : machine->now_us + plan.decision.delay_us;
  if (process->own_exit.unproven)
    process->own_exit.limit_reached = plan.decision.give_up;
  else if (plan.decision.give_up)
    wd_give_up(machine, process, plan.reason, plan.seq);
  if (plan.decision.delay_us > 0 && !plan.decision.give_up)
    record_delay(machine, process, &plan);
}

static gint64
name_held_us(const WdMachine *machine)
{
  return machine->limits.extensions_interval_s * G_USEC_PER_SEC + NAME_HELD_SLACK_US;
}

/* When an extension is gone, the core keeps its name until its next ping of it fails. Until then it
 * refuses the name to a new extension. Our own extension waits for its name by itself. */
static void
wait_for_name(const WdMachine *machine, WdProcess *process)
{
  if (process->role == WD_ROLE_EXTENSION && !process->indispensable &&
      machine->supervising.manager_accepts)
    process->next_start_us = MAX(process->next_start_us, machine->now_us + name_held_us(machine));
}

/* --- ends --- */

/* A signal of ours is the cause. */
static Departure
terminated(WdMachine *machine, WdProcess *process)
{
  Departure departure = {.reason = process->ending.reason};
  const gboolean for_limit = wd_ending_is_for_limit(departure.reason);
  wd_blame_forget(process);
  process->terminations += for_limit;
  if (for_limit || departure.reason == WD_REASON_REGISTRATION) {
    departure.decision.delay_us = wd_respawn_terminated(
        &process->respawn, machine->now_us - process->started_us, &machine->limits);
    departure.decision.failures = process->respawn.limit_kills;
  }
  departure.seq = wd_ending_record(machine, process);
  return departure;
}

static WdReason
reason_of(const WdExit *how)
{
  if (how->oom)
    return WD_REASON_OOM;
  return how->signal != WD_NONE ? WD_REASON_SIGNAL : WD_REASON_EXIT;
}

/* A crash keeps its reason, excused or not, and so does what nothing can be known of. */
static WdReason
excused_reason_of(const WdMachine *machine, const WdExit *how, WdReason excuse)
{
  return how->signal == WD_NONE && wd_blame_hears(machine) ? excuse : reason_of(how);
}

static void
count_exit(WdMachine *machine, WdProcess *process, Departure *departure)
{
  process->own_exit = (WdOwnExit){
      .at_us = machine->now_us,
      .before = process->respawn,
      .reason = departure->reason,
      .unproven = process->role == WD_ROLE_EXTENSION && !process->indispensable,
  };
  departure->decision =
      wd_respawn_exited(&process->respawn, machine->now_us - process->started_us, &machine->limits);
}

/* It ended without a signal of ours, perhaps while the first one still waited for the store.
 * @explained: by the worker's end; then it doesn't count as a failure. */
static Departure
exited(WdMachine *machine, WdProcess *process, const WdExit *how, gboolean explained)
{
  const WdReason excuse = explained ? WD_REASON_WORKER_GONE : wd_blame_excuse(machine, process);
  Departure departure = {.reason = reason_of(how)};
  wd_blame_forget(process);
  if (explained) {
    departure.reason = excuse;
  } else if (excuse != WD_REASON_NONE) {
    departure.reason = excused_reason_of(machine, how, excuse);
    departure.excused = TRUE;
  } else {
    count_exit(machine, process, &departure);
  }
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_EXITED, departure.reason);
  event->cause_seq = explained ? wd_worker_gone_cause(machine) : process->ending.cause_seq;
  wd_process_describe_end(process, &machine->limits, event, machine->now_us);
  departure.seq = wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
  return departure;
}

/* --- the worker's exits that we did not request --- */

typedef enum {
  WORKER_EXIT_ORDINARY,
  WORKER_EXIT_CATASTROPHIC,
  WORKER_EXIT_BROKEN_COMMAND_LINE,
} WorkerExit;

/* Counts the workers in a row that failed at once, before they opened their manager's socket.
 * Returns: whether the command line must be broken. */
static gboolean
fails_at_once(WdMachine *machine, const WdProcess *worker, const WdExit *how)
{
  WdSupervising *own = &machine->supervising;
  const gboolean at_once = how->code != WD_NONE && how->code != 0 && machine->limits.manager &&
                           !own->manager_accepts &&
                           machine->now_us - worker->started_us < AT_ONCE_US;
  own->failures_at_once = at_once ? own->failures_at_once + 1 : 0;
  return own->failures_at_once >= FAILURES_AT_ONCE_MAX;
}

static WorkerExit
judge_worker_exit(WdMachine *machine, const WdProcess *process, const WdExit *how)
{
  if (process->role != WD_ROLE_WORKER || process->ending.sent != WD_SIGNALS_NONE ||
      machine->supervising.stopping)
    return WORKER_EXIT_ORDINARY;
  if (how->code == WD_EXIT_CATASTROPHIC)
    return WORKER_EXIT_CATASTROPHIC;
  return fails_at_once(machine, process, how) ? WORKER_EXIT_BROKEN_COMMAND_LINE
                                              : WORKER_EXIT_ORDINARY;
}

static void
end_for_broken_command_line(WdMachine *machine, WdProcess *worker)
{
  WdEvent *event = wd_process_event(worker, WD_EVENT_RESPAWN_LIMIT_REACHED, WD_REASON_EXIT);
  event->exit_code = worker->last_exit_code;
  event->restarts = worker->starts - 1;
  event->cause_seq = worker->gone_seq;
  event->message = wd_broken_command_line_message(worker->path, worker->last_exit_code,
                                                  machine->supervising.failures_at_once);
  wd_ending_all(machine, WD_REASON_EXIT, WD_EXIT_FAILED,
                wd_machine_record(machine, worker, event, WD_RECORD_PLAIN));
}

static void
end_with_worker(WdMachine *machine, WdProcess *worker, WorkerExit judgement)
{
  switch (judgement) {
  case WORKER_EXIT_ORDINARY:
    break;
  case WORKER_EXIT_CATASTROPHIC:
    wd_machine_log(machine, worker, g_strdup("Worker returned exit status"));
    wd_ending_all(machine, WD_REASON_EXIT, WD_EXIT_CATASTROPHIC, worker->gone_seq);
    break;
  case WORKER_EXIT_BROKEN_COMMAND_LINE:
    end_for_broken_command_line(machine, worker);
    break;
  }
}

/* --- for the outside --- */

void
wd_departures_exited(WdMachine *machine, WdProcess *process, const WdExit *how)
{
  const gboolean explained = wd_worker_gone_explains(machine, process);
  const WorkerExit judgement = judge_worker_exit(machine, process, how);
  wd_process_end(process, how, machine->now_us);
  Departure departure = process->ending.sent != WD_SIGNALS_NONE
                            ? terminated(machine, process)
                            : exited(machine, process, how, explained);
  departure.for_good = judgement != WORKER_EXIT_ORDINARY;
  process->gone_seq = departure.seq;
  /* An excuse is no reason why the registration is gone: the process is. */
  wd_presence_lost(machine, process, departure.excused ? reason_of(how) : departure.reason,
                   departure.seq);
  wd_process_forget_pid(process);
  plan_start(machine, process, &departure);
  if (process->role == WD_ROLE_WORKER)
    wd_worker_gone(machine);
  end_with_worker(machine, process, judgement);
  /* An extension that was excused soon after its start never had a name. */
  if (!explained && (!departure.excused || process->next_start_us <= machine->now_us))
    wait_for_name(machine, process);
}

void
wd_departures_spawn_failed(WdMachine *machine, WdProcess *process, const char *error)
{
  process->spawning = FALSE;
  wd_blame_forget(process);
  WdEvent *event = wd_process_event(process, WD_EVENT_SPAWN_FAILED, WD_REASON_SPAWN);
  event->message = wd_spawn_failed_message(process->role, process->path, error);
  Departure departure = {.reason = WD_REASON_SPAWN};
  departure.seq = wd_machine_record(machine, process, event, WD_RECORD_PLAIN);
  departure.decision = wd_respawn_exited(&process->respawn, 0, &machine->limits);
  plan_start(machine, process, &departure);
}

/* With its name, if it had one. */
static gint64
next_try_after(const WdMachine *machine, const WdProcess *extension)
{
  const gint64 try_us = next_try_us(machine, extension);
  if (extension->presence.left_uuid == WD_NONE)
    return try_us;
  return MAX(try_us, extension->own_exit.at_us + name_held_us(machine));
}

void
wd_departures_reported(WdMachine *machine)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < machine->processes->len; i++) {
    WdProcess *extension = wd_machine_at(machine, i);
    const WdOwnExit exit = extension->own_exit;
    if (!exit.unproven)
      continue;
    if (!wd_blame_proves(machine, extension)) {
      wd_blame_withdraw(extension, next_try_after(machine, extension));
      continue;
    }
    extension->own_exit.unproven = extension->own_exit.limit_reached = FALSE;
    if (exit.limit_reached && extension->state == WD_STATE_WAITING && !extension->spawning)
      wd_give_up(machine, extension, exit.reason, extension->gone_seq);
  }
}
