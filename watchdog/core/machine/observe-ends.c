#include "watchdog/core/machine/observe-private.h"

#include "watchdog/core/machine/presence.h"

#include <signal.h>

#define INTERVAL_US (WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND)
/* An extension made with osquery's SDKs goes within an interval and a timeout of its worker. */
#define FOLLOW_US (10 * G_TIME_SPAN_SECOND)
/* A watcher that holds nothing back starts a worker at its next check, and a busy machine. */
#define NEXT_CHECK_US (INTERVAL_US + 1 * G_TIME_SPAN_SECOND)
/* A process's start is known to a clock tick, and its end when we get to hear of it. */
#define CLOCKS_US (100 * G_TIME_SPAN_MILLISECOND)

/* --- terminations --- */

void
wd_observe_exceeded(WdObserve *observe, WdStep *step, WdProcess *process, const WdBreach *breach)
{
  WdEnding *ending = &process->ending;
  if (ending->reason != WD_REASON_NONE && step->now_us > ending->next_us)
    *ending = (WdEnding){.reason = WD_REASON_NONE};
  /* It acts at its next check; then the process has so long to end. */
  const gint64 ends_us = step->now_us + INTERVAL_US +
                         observe->limits.forced_shutdown_delay_s * G_TIME_SPAN_SECOND +
                         WD_REAP_WAIT_US;
  if (ending->reason == WD_REASON_NONE) {
    WdEvent *event = wd_process_breach_event(step, process, WD_EVENT_LIMIT_EXCEEDED, breach);
    *ending = (WdEnding){.reason = event->reason, .breach = *breach};
    ending->cause_seq = wd_process_record(step, process, event, FALSE);
  }
  ending->next_us = ends_us;
}

/* The watcher's check comes at a moment of its own and may have seen the strike that we were about
 * to see: if the process used too much of what there was of the last interval, that counts. */
static void
judge_last_interval(WdObserve *observe, WdStep *step, WdProcess *process)
{
  WdMeter meter = process->meter;
  if (process->last_check_us == WD_NONE || process->ending.reason != WD_REASON_NONE ||
      process->last_check_us - meter.regular_us < WD_OBSERVE_LOOK_US ||
      !wd_checks_watched(&observe->checks, process, step->now_us))
    return;
  const WdBreach breach = {
      .verdict =
          wd_meter_sample(&meter, &observe->limits, &process->sample, process->last_check_us, TRUE),
      .utilization = meter.utilization,
      .utilization_limit = observe->limits.utilization_limit,
      .sustained_s = meter.sustained_s,
  };
  if (breach.verdict.kind != WD_VERDICT_CPU)
    return;
  wd_observe_exceeded(observe, step, process, &breach);
  /* There is nothing left to look at. */
  g_array_index(step->actions, WdAction, step->actions->len - 1).details = FALSE;
}

/* Whether a process that the watcher ends may end like this: asked to, or killed; a worker in the
 * middle of a query ends with 78 when its alarm comes first. NULL: it isn't known. */
static gboolean
fits_termination(const WdProcess *process, const WdExit *how)
{
  if (how == NULL)
    return TRUE;
  if (how->signal != WD_NONE)
    return how->signal == SIGTERM || how->signal == SIGKILL || how->signal == SIGUSR1;
  return process->role != WD_ROLE_WORKER || how->code == 0 || how->code == WD_EXIT_CATASTROPHIC;
}

static WdEvent *
terminated_event(const WdStep *step, const WdProcess *process, const WdExit *how)
{
  WdEvent *event =
      wd_process_breach_event(step, process, WD_EVENT_PROCESS_TERMINATED, &process->ending.breach);
  event->cause_seq = process->ending.cause_seq;
  if (how != NULL)
    event->outcome = how->signal == SIGKILL ? WD_OUTCOME_KILLED : WD_OUTCOME_GRACEFUL;
  return event;
}

/* --- other ends --- */

static WdReason
reason_of(const WdExit *how)
{
  if (how == NULL)
    return WD_REASON_NONE;
  return how->signal != WD_NONE ? WD_REASON_SIGNAL : WD_REASON_EXIT;
}

/* Whether an extension's end follows from the worker's. */
static gboolean
follows_worker(const WdObserve *observe, const WdProcess *process, const WdExit *how, gint64 now_us)
{
  return process->role == WD_ROLE_EXTENSION && observe->worker_gone_us != WD_NONE &&
         observe->worker_gone_us >= process->started_us &&
         now_us - observe->worker_gone_us <= FOLLOW_US && (how == NULL || how->signal == WD_NONE);
}

static WdEvent *
exited_event(const WdObserve *observe, const WdStep *step, const WdProcess *process,
             const WdExit *how)
{
  const gboolean follows = follows_worker(observe, process, how, step->now_us);
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_EXITED,
                                    follows ? WD_REASON_WORKER_GONE : reason_of(how));
  if (follows)
    event->cause_seq = wd_observe_process(observe, WD_PROCESS_WORKER)->gone_seq;
  event->lifetime_ms = wd_process_lifetime_ms(step, process);
  return event;
}

void
wd_observe_child_gone(WdObserve *observe, WdStep *step, WdProcess *process, const WdExit *how)
{
  judge_last_interval(observe, step, process);
  const gboolean terminated = process->ending.reason != WD_REASON_NONE &&
                              step->now_us <= process->ending.next_us &&
                              fits_termination(process, how);
  WdEvent *event =
      terminated ? terminated_event(step, process, how) : exited_event(observe, step, process, how);
  const WdReason reason = event->reason;
  event->exit_code = process->last_exit_code;
  event->exit_signal = process->last_exit_signal;
  event->restarts = process->starts - 1;
  process->terminations += terminated;
  process->gone_seq = wd_process_record(step, process, event, FALSE);
  wd_presence_lost(step, process, reason, process->gone_seq);
  process->pid = process->start_ticks = WD_NONE;
  process->state = WD_STATE_WAITING;
  process->ending = (WdEnding){.reason = WD_REASON_NONE};
  if (process->role != WD_ROLE_WORKER)
    return;
  observe->worker_gone_us = step->now_us;
  observe->worker_gone_reason = reason;
  /* A watcher counts by when it looks, which is later. */
  observe->pause_open =
      step->now_us - process->started_us < observe->limits.quick_exit_s * G_TIME_SPAN_SECOND;
  wd_reports_end(&observe->reports, step, observe->processes);
}

/* --- the watcher's back-off (osquery/core/watcher.cpp, createWorker) --- */

static gint64
next_delay_us(const WdObserve *observe)
{
  const WdProcess *worker = wd_observe_process(observe, WD_PROCESS_WORKER);
  return wd_respawn_stock_delay_us(worker->respawn.quick_exits + 1, &observe->limits);
}

static void
record_pause(WdObserve *observe, WdStep *step)
{
  WdProcess *worker = wd_observe_process(observe, WD_PROCESS_WORKER);
  const gint64 delay_us = next_delay_us(observe);
  observe->pause_open = FALSE;
  worker->respawn.quick_exits++; /* never forgotten, as osquery's watcher doesn't */
  if (!observe->limits_known || delay_us == 0)
    return;
  WdEvent *event = wd_process_event(worker, WD_EVENT_RESPAWN_DELAYED, observe->worker_gone_reason);
  event->cause_seq = worker->gone_seq;
  event->delay_s = delay_us / G_TIME_SPAN_SECOND;
  event->restarts = worker->starts - 1;
  wd_process_record(step, worker, event, FALSE);
}

/* The watcher looked at the worker's age before it waited, if it did: the start tells when that
 * look would have been, which must have been after the end, and soon enough. */
void
wd_observe_worker_returns(WdObserve *observe, WdStep *step, gint64 started_us)
{
  const WdProcess *worker = wd_observe_process(observe, WD_PROCESS_WORKER);
  if (!observe->pause_open)
    return;
  observe->pause_open = FALSE;
  const gint64 quick_us = observe->limits.quick_exit_s * G_TIME_SPAN_SECOND;
  const gint64 age_us = started_us - worker->started_us;
  const gint64 away_us = started_us - observe->worker_gone_us;
  const gint64 delay_us = next_delay_us(observe);
  const gboolean waited = observe->limits_known
                              ? away_us + CLOCKS_US >= delay_us && age_us - delay_us < quick_us
                              : away_us > NEXT_CHECK_US || age_us < quick_us;
  if (waited)
    record_pause(observe, step);
}

/* Known while it waits, where it waits for longer than until its next check; and then nothing runs
 * that it could be busy with ending. */
gint64
wd_observe_pause_known_us(const WdObserve *observe)
{
  if (!observe->pause_open || !observe->limits_known || next_delay_us(observe) <= NEXT_CHECK_US ||
      wd_observe_process(observe, WD_PROCESS_WORKER)->respawn.quick_exits >=
          observe->limits.respawn_limit)
    return G_MAXINT64;
  gint64 known_us = observe->worker_gone_us + NEXT_CHECK_US;
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < observe->processes->len; i++)
    if (wd_observe_process(observe, i)->ending.reason != WD_REASON_NONE)
      known_us = MAX(known_us, wd_observe_process(observe, i)->ending.next_us + 1);
  return known_us;
}

void
wd_observe_worker_stays_away(WdObserve *observe, WdStep *step)
{
  if (step->now_us >= wd_observe_pause_known_us(observe))
    record_pause(observe, step);
}

/* --- the watcher's end --- */

/* A watcher that ends, or ends us, while the worker is gone after its last quick exit that is
 * allowed has given up. @how: of the watcher. Returns: the event that led to its end; 0: none. */
static guint64
record_give_up(WdObserve *observe, WdStep *step, const WdExit *how)
{
  WdProcess *worker = wd_observe_process(observe, WD_PROCESS_WORKER);
  if (worker->starts == 0 || wd_process_alive(worker))
    return 0;
  if (worker->last_exit_code == WD_EXIT_CATASTROPHIC &&
      (how == NULL || how->code == WD_EXIT_CATASTROPHIC))
    return worker->gone_seq;
  if (worker->respawn.quick_exits < observe->limits.respawn_limit ||
      (how != NULL && how->code != WD_EXIT_FAILED))
    return 0;
  WdEvent *event =
      wd_process_event(worker, WD_EVENT_RESPAWN_LIMIT_REACHED, observe->worker_gone_reason);
  event->cause_seq = worker->gone_seq;
  event->restarts = worker->starts - 1;
  return wd_process_record(step, worker, event, FALSE);
}

static void
close_run(WdObserve *observe, WdStep *step, WdReason reason, guint64 cause_seq)
{
  WdProcess *watcher = wd_observe_process(observe, WD_PROCESS_WATCHDOG);
  WdEvent *event = wd_process_event(watcher, WD_EVENT_WATCHDOG_STOPPED, reason);
  event->cause_seq = cause_seq;
  event->exit_code = watcher->last_exit_code;
  event->exit_signal = watcher->last_exit_signal;
  wd_process_record(step, watcher, event, FALSE);
  observe->closed = TRUE;
}

void
wd_observe_watcher_gone(WdObserve *observe, WdStep *step, const WdExit *how)
{
  WdProcess *watcher = wd_observe_process(observe, WD_PROCESS_WATCHDOG);
  const guint64 cause_seq = record_give_up(observe, step, how);
  const gboolean unhealthy = watcher->ending.reason != WD_REASON_NONE &&
                             (how == NULL || how->code == WD_EXIT_CATASTROPHIC);
  close_run(observe, step, reason_of(how), unhealthy ? watcher->ending.cause_seq : cause_seq);
  watcher->pid = watcher->start_ticks = WD_NONE;
  watcher->state = WD_STATE_STOPPED;
}

void
wd_observe_close(WdObserve *observe, WdStep *step, WdReason reason)
{
  close_run(observe, step, reason, record_give_up(observe, step, NULL));
}
