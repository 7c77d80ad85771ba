#include "watchdog/core/machine/lifecycle.h"

#include <math.h>

#include "watchdog/core/event/message.h"
#include "watchdog/core/machine/presence.h"

void
wd_process_init(WdProcess *process, guint index, WdRole role, const char *name, const char *path)
{
  *process = (WdProcess){
      .index = index,
      .role = role,
      .name = g_strdup(name),
      .path = g_strdup(path),
      .wanted = TRUE,
      .state = WD_STATE_WAITING,
      .pid = WD_NONE,
      .start_ticks = WD_NONE,
      .started_us = WD_NONE,
      .last_check_us = WD_NONE,
      .unprovoked_exit_us = WD_NONE,
      .last_exit_code = WD_NONE,
      .last_exit_signal = WD_NONE,
  };
  wd_presence_reset(process);
}

void
wd_process_clear(WdProcess *process)
{
  g_free(process->name);
  g_free(process->path);
}

gboolean
wd_process_alive(const WdProcess *process)
{
  return process->pid != WD_NONE;
}

WdEvent *
wd_process_event(const WdProcess *process, WdEventKind kind, WdReason reason)
{
  WdEvent *event = wd_event_new(kind, process->role, process->name, process->path);
  event->pid = process->pid;
  event->reason = reason;
  return event;
}

guint64
wd_process_record(WdStep *step, WdProcess *process, WdEvent *event, gboolean acknowledge)
{
  event->seq = ++*step->last_seq;
  process->last_seq = event->seq;
  if (event->message == NULL)
    event->message = wd_event_message(event);
  const gboolean details =
      event->kind == WD_EVENT_LIMIT_EXCEEDED || event->kind == WD_EVENT_WOULD_TERMINATE;
  wd_actions_record(step->actions, process->index, event, acknowledge, details);
  return *step->last_seq;
}

static gint64
lifetime_us(const WdStep *step, const WdProcess *process)
{
  return step->now_us - process->started_us;
}

gint64
wd_process_lifetime_ms(const WdStep *step, const WdProcess *process)
{
  return lifetime_us(step, process) / G_TIME_SPAN_MILLISECOND;
}

/* --- starting --- */

void
wd_process_start(WdStep *step, WdProcess *process)
{
  process->spawning = TRUE;
  wd_actions_spawn(step->actions, process->index);
}

void
wd_process_begin(WdProcess *process, gint64 pid, gint64 start_ticks, gint64 started_us)
{
  process->spawning = FALSE;
  process->state = WD_STATE_RUNNING;
  process->pid = pid;
  process->start_ticks = start_ticks;
  process->started_us = started_us;
  process->starts++;
  process->ending = (WdEnding){.reason = WD_REASON_NONE};
  process->breach_recorded = FALSE;
  wd_presence_reset(process);
  wd_meter_reset(&process->meter, started_us);
  process->last_check_us = WD_NONE;
  process->next_memory_look_us = started_us;
}

void
wd_process_spawned(WdStep *step, WdProcess *process, gint64 pid, gint64 start_ticks)
{
  wd_process_begin(process, pid, start_ticks, step->now_us);
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_STARTED, WD_REASON_NONE);
  event->restarts = process->starts - 1;
  wd_process_record(step, process, event, FALSE);
}

/* What comes after a process is gone: a wait, which is an event when it is longer than none.
 * @failures: how many in a row led to it. */
static WdGone
schedule_start(WdStep *step, WdProcess *process, WdRespawnDecision decision, guint failures,
               WdReason reason, guint64 cause_seq)
{
  if (step->stopping || !process->wanted) {
    process->state = WD_STATE_STOPPED;
    return WD_GONE_FOR_GOOD;
  }
  if (decision.give_up && process->indispensable) {
    /* Tried for ever, but, with back-off switched off, not in a tight loop. */
    decision.give_up = FALSE;
    decision.delay_us = MAX(decision.delay_us, WD_CHECK_INTERVAL_S * G_USEC_PER_SEC);
  }
  process->state = WD_STATE_WAITING;
  process->next_start_us = step->now_us + decision.delay_us;
  if (decision.give_up) {
    WdEvent *event = wd_process_event(process, WD_EVENT_RESPAWN_LIMIT_REACHED, reason);
    event->restarts = MAX(process->starts - 1, 0);
    event->cause_seq = cause_seq;
    wd_process_record(step, process, event, FALSE);
    return WD_GONE_GIVE_UP;
  }
  if (decision.delay_us > 0) {
    WdEvent *event = wd_process_event(process, WD_EVENT_RESPAWN_DELAYED, reason);
    event->delay_s = decision.delay_us / G_USEC_PER_SEC;
    event->restarts = MAX(process->starts - 1, 0);
    event->message = wd_respawn_message(process->role, process->path, failures);
    event->cause_seq = cause_seq;
    wd_process_record(step, process, event, FALSE);
  }
  return WD_GONE_RESPAWN;
}

WdGone
wd_process_spawn_failed(WdStep *step, WdProcess *process, const char *error)
{
  process->spawning = FALSE;
  process->unprovoked_exit_us = WD_NONE;
  WdEvent *event = wd_process_event(process, WD_EVENT_SPAWN_FAILED, WD_REASON_SPAWN);
  event->message = wd_spawn_failed_message(process->role, process->path, error);
  const guint64 seq = wd_process_record(step, process, event, FALSE);
  const WdRespawnDecision decision = wd_respawn_spawn_failed(&process->respawn, step->limits);
  return schedule_start(step, process, decision, process->respawn.backoffs, WD_REASON_SPAWN, seq);
}

void
wd_process_want_again(WdStep *step, WdProcess *process)
{
  process->wanted = TRUE;
  process->respawn = (WdRespawn){0};
  process->unprovoked_exit_us = WD_NONE;
  if (process->state == WD_STATE_STOPPED && !step->stopping) {
    process->state = WD_STATE_WAITING;
    process->next_start_us = step->now_us;
  }
}

/* --- measuring --- */

/* Reading all threads at every check would cost more than all else: it is done from half of the
 * memory limit, or the first strike, on. */
static gboolean
nears_limit(const WdProcess *process, const WdLimits *limits)
{
  return process->role != WD_ROLE_WATCHDOG &&
         (process->meter.strikes > 0 ||
          process->meter.footprint_bytes > limits->memory_limit_bytes / 2);
}

static void
log_measured(const WdStep *step, const WdProcess *process)
{
  const WdMeter *meter = &process->meter;
  if (isnan(meter->utilization)) /* not measured yet */
    return;
  wd_actions_log(step->actions, process->index,
                 wd_measured_message(process->pid, meter->cpu_used_ms, meter->cpu_allowed_ms,
                                     MAX(meter->footprint_bytes, 0),
                                     step->limits->memory_limit_bytes));
}

gboolean
wd_process_measure(WdStep *step, WdProcess *process, const WdSample *sample, gboolean regular,
                   WdBreach *breach)
{
  const WdVerdict verdict =
      wd_meter_sample(&process->meter, step->limits, sample, step->now_us, regular);
  if (sample == NULL) {
    process->next_memory_look_us = step->now_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC;
    return FALSE;
  }
  process->next_memory_look_us = wd_meter_next_memory_sample_us(&process->meter, step->limits);
  process->sample = *sample;
  process->last_check_us = step->now_us;
  if (regular && step->limits->debug)
    log_measured(step, process);
  if (verdict.kind == WD_VERDICT_WITHIN) {
    if (regular && nears_limit(process, step->limits))
      wd_actions_remember_threads(step->actions, process->index);
    /* CPU is judged at regular checks alone. */
    if (regular)
      process->breach_recorded = FALSE;
    return FALSE;
  }
  *breach = (WdBreach){
      .verdict = verdict,
      .utilization = process->meter.utilization,
      .utilization_limit = step->limits->utilization_limit,
      .sustained_s = process->meter.sustained_s,
  };
  return TRUE;
}

/* --- gone --- */

static guint64
record_exit(WdStep *step, WdProcess *process, WdReason reason, guint64 cause_seq)
{
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_EXITED, reason);
  event->cause_seq = cause_seq;
  event->exit_code = process->last_exit_code;
  event->exit_signal = process->last_exit_signal;
  event->lifetime_ms = wd_process_lifetime_ms(step, process);
  event->restarts = process->starts - 1;
  return wd_process_record(step, process, event, FALSE);
}

WdGone
wd_process_exited(WdStep *step, WdProcess *process, const WdExit *exit, gboolean worker_gone,
                  guint64 worker_gone_seq)
{
  process->last_exit_code = exit->code;
  process->last_exit_signal = exit->signal;

  WdReason reason = exit->oom                 ? WD_REASON_OOM
                    : exit->signal != WD_NONE ? WD_REASON_SIGNAL
                                              : WD_REASON_EXIT;
  WdRespawnDecision decision = {.delay_us = 0, .give_up = FALSE};
  guint failures = 0;
  if (process->ending.sent != WD_SIGNALS_NONE) {
    reason = process->ending.reason;
    process->unprovoked_exit_us = WD_NONE;
    if (wd_process_is_limit(reason))
      process->terminations++;
    if (wd_process_is_limit(reason) || reason == WD_REASON_REGISTRATION) {
      decision.delay_us =
          wd_respawn_terminated(&process->respawn, lifetime_us(step, process), step->limits);
      failures = process->respawn.limit_kills;
    }
    process->gone_seq = wd_process_record_termination(step, process);
  } else {
    /* Gone by itself; perhaps while the first signal still waited for the store. */
    process->unprovoked_exit_us = step->now_us;
    process->respawn_before_exit = process->respawn;
    guint64 cause_seq = process->ending.cause_seq;
    if (worker_gone) {
      reason = WD_REASON_WORKER_GONE;
      cause_seq = worker_gone_seq;
    } else {
      decision = wd_respawn_exited(&process->respawn, lifetime_us(step, process), step->limits);
      failures = process->respawn.backoffs;
    }
    process->gone_seq = record_exit(step, process, reason, cause_seq);
  }
  wd_presence_lost(step, process, reason, process->gone_seq);
  process->pid = WD_NONE;
  process->start_ticks = WD_NONE;
  return schedule_start(step, process, decision, failures, reason, process->gone_seq);
}

/* --- shown --- */

static gint64
wall_s(gint64 monotonic_us, gint64 wall_offset_us)
{
  return monotonic_us == WD_NONE ? WD_NONE : (monotonic_us + wall_offset_us) / G_USEC_PER_SEC;
}

WdProcessStatus *
wd_process_status(const WdProcess *process, const WdLimits *limits, gint64 wall_offset_us)
{
  WdProcessStatus *status = wd_process_status_new(process->role, process->name, process->path);
  const WdMeter *meter = &process->meter;
  status->pid = process->pid;
  status->start_ticks = process->start_ticks;
  status->state = process->state;
  status->start_time_s =
      wd_process_alive(process) ? wall_s(process->started_us, wall_offset_us) : WD_NONE;
  if (process->role != WD_ROLE_WATCHDOG) {
    status->restarts = MAX(process->starts - 1, 0);
    status->terminations = process->terminations;
    status->quick_exits = process->respawn.quick_exits;
    status->restart_limit = limits->respawn_limit;
  }
  if (process->state == WD_STATE_WAITING || process->state == WD_STATE_ABANDONED)
    status->next_start_time_s = wall_s(process->next_start_us, wall_offset_us);
  status->utilization_limit = limits->utilization_limit;
  status->latency_limit_s = limits->latency_limit_s;
  status->memory_limit_bytes = limits->memory_limit_bytes;
  if (wd_process_alive(process)) {
    status->utilization = meter->utilization;
    status->regular_check_us = wd_meter_regular_us(meter);
    status->sustained_latency_s = meter->sustained_s;
    status->footprint_bytes = meter->footprint_bytes;
    status->baseline_bytes = meter->baseline_bytes;
    status->peak_footprint_bytes = meter->peak_footprint_bytes;
  }
  if (wd_process_alive(process) && process->last_check_us != WD_NONE) {
    status->user_ms = process->sample.user_ms;
    status->system_ms = process->sample.system_ms;
    status->resident_bytes = process->sample.resident_bytes;
    status->last_check_us = process->last_check_us;
    status->last_check_time_s = wall_s(process->last_check_us, wall_offset_us);
  }
  status->last_exit_code = process->last_exit_code;
  status->last_exit_signal = process->last_exit_signal;
  status->last_seq = process->last_seq;
  return status;
}
