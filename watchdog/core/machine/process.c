#include "watchdog/core/machine/process.h"

static const WdPresence NOT_REPORTED = {.registered = WD_NONE,
                                        .uuid = WD_NONE,
                                        .responsive = WD_NONE,
                                        .left_uuid = WD_NONE,
                                        .held_uuid = WD_NONE,
                                        .missing_since_us = WD_NONE};

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
      .gone_us = WD_NONE,
      .last_check_us = WD_NONE,
      .own_exit = {.at_us = WD_NONE},
      .excused_us = WD_NONE,
      .last_exit_code = WD_NONE,
      .last_exit_signal = WD_NONE,
      .last_core_dumped = WD_NONE,
      .presence = NOT_REPORTED,
  };
}

void
wd_process_clear(WdProcess *process)
{
  g_free(process->name);
  g_free(process->path);
  g_free(process->file);
  wd_event_free(process->held);
}

/* --- its life --- */

void
wd_process_change(WdProcess *process, WdChange change)
{
  process->state = wd_state_after(process->state, change);
}

void
wd_process_begin(WdProcess *process, gint64 pid, gint64 start_ticks, gint64 started_us)
{
  wd_process_change(process, WD_CHANGE_BEGUN);
  process->spawning = FALSE;
  process->pid = pid;
  process->start_ticks = start_ticks;
  process->started_us = started_us;
  process->starts++;
  process->ending = (WdEnding){.reason = WD_REASON_NONE};
  process->breach_recorded = FALSE;
  const WdPresence before = process->presence;
  process->presence = NOT_REPORTED;
  process->presence.held_uuid = before.left_uuid != WD_NONE ? before.left_uuid : before.held_uuid;
  process->silence = (WdSilence){0};
  wd_meter_reset(&process->meter, started_us);
  process->last_check_us = WD_NONE;
  process->next_memory_look_us = started_us;
  process->memory_watch =
      process->role == WD_ROLE_WATCHDOG ? WD_MEMORY_WATCH_NONE : WD_MEMORY_WATCH_POLLING;
  process->faults_counted = FALSE;
}

void
wd_process_end(WdProcess *process, const WdExit *how, gint64 now_us)
{
  process->gone_us = now_us;
  process->last_exit_code = how->code;
  process->last_exit_signal = how->signal;
  process->last_core_dumped = how->signal != WD_NONE ? how->core_dumped : WD_NONE;
}

void
wd_process_forget_pid(WdProcess *process)
{
  process->pid = WD_NONE;
  process->start_ticks = WD_NONE;
}

gboolean
wd_process_alive(const WdProcess *process)
{
  return process->pid != WD_NONE;
}

gboolean
wd_process_ends(const WdProcess *process)
{
  return wd_process_alive(process) && process->state != WD_STATE_RUNNING;
}

gboolean
wd_process_ends_for_memory(const WdProcess *process, gint64 now_us)
{
  const WdEnding *ending = &process->ending;
  if (ending->reason != WD_REASON_MEMORY || !wd_process_alive(process))
    return FALSE;
  switch (process->state) {
  case WD_STATE_TERMINATING:
  case WD_STATE_KILLING:
    return TRUE;
  case WD_STATE_RUNNING: /* an observer doesn't see it being ended */
    return now_us <= ending->watch_until_us;
  case WD_STATE_WAITING:
  case WD_STATE_STUCK:
  case WD_STATE_STOPPED:
  case WD_STATE_ABANDONED:
    return FALSE;
  }
  g_return_val_if_reached(FALSE);
}

/* --- events about it --- */

static gint64
lifetime_ms(const WdProcess *process, gint64 now_us)
{
  return (now_us - process->started_us) / G_TIME_SPAN_MILLISECOND;
}

WdEvent *
wd_process_event(const WdProcess *process, WdEventKind kind, WdReason reason)
{
  WdEvent *event = wd_event_new(kind, process->role, process->name, process->path);
  event->pid = process->pid;
  event->reason = reason;
  return event;
}

WdEvent *
wd_process_start_event(const WdProcess *process)
{
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_STARTED, WD_REASON_NONE);
  event->restarts = process->starts - 1;
  if (process->gone_us != WD_NONE)
    event->duration_ms = MAX(process->started_us - process->gone_us, 0) / G_TIME_SPAN_MILLISECOND;
  return event;
}

void
wd_breach_describe(const WdVerdict *breach, WdEvent *event)
{
  event->measured = breach->measured;
  event->limit_value = breach->limit;
  event->unit = breach->unit;
  if (breach->reason == WD_REASON_CPU) {
    event->utilization = breach->utilization;
    event->utilization_limit = breach->utilization_limit;
    event->sustained_s = breach->sustained_s;
  }
}

static void
describe_memory(const WdProcess *process, const WdLimits *limits, WdEvent *event)
{
  event->peak_bytes = process->meter.peak_footprint_bytes;
  if (limits->memory_metric == WD_METRIC_GROWTH)
    event->baseline_bytes = process->meter.baseline_bytes;
}

WdEvent *
wd_process_breach_event(const WdProcess *process, WdEventKind kind, const WdVerdict *breach,
                        const WdLimits *limits, gint64 now_us)
{
  WdEvent *event = wd_process_event(process, kind, breach->reason);
  if (breach->reason == WD_REASON_UNRESPONSIVE)
    event->cause_seq = process->silence.seq;
  wd_breach_describe(breach, event);
  describe_memory(process, limits, event);
  event->lifetime_ms = lifetime_ms(process, now_us);
  return event;
}

void
wd_process_describe_end(const WdProcess *process, const WdLimits *limits, WdEvent *event,
                        gint64 now_us)
{
  describe_memory(process, limits, event);
  event->exit_code = process->last_exit_code;
  event->exit_signal = process->last_exit_signal;
  event->core_dumped = process->last_core_dumped;
  event->lifetime_ms = lifetime_ms(process, now_us);
  event->restarts = process->starts - 1;
}

/* --- shown --- */

static gint64
wall_s(gint64 monotonic_us, gint64 wall_offset_us)
{
  return monotonic_us == WD_NONE ? WD_NONE : (monotonic_us + wall_offset_us) / G_USEC_PER_SEC;
}

static void
show_limits(const WdLimits *limits, WdProcessStatus *status)
{
  status->utilization_limit = limits->utilization_limit;
  status->latency_limit_s = limits->latency_limit_s;
  status->memory_limit_bytes = limits->memory_limit_bytes;
}

static void
show_measures(const WdProcess *process, gint64 wall_offset_us, WdProcessStatus *status)
{
  const WdMeter *meter = &process->meter;
  if (!wd_process_alive(process))
    return;
  status->start_time_s = wall_s(process->started_us, wall_offset_us);
  status->memory_watch = process->memory_watch;
  status->utilization = meter->utilization;
  status->regular_check_us = wd_meter_regular_us(meter);
  status->sustained_latency_s = meter->sustained_s;
  status->footprint_bytes = meter->footprint_bytes;
  status->baseline_bytes = meter->baseline_bytes;
  status->peak_footprint_bytes = meter->peak_footprint_bytes;
  if (process->last_check_us == WD_NONE)
    return;
  status->user_ms = process->sample.user_ms;
  status->system_ms = process->sample.system_ms;
  status->resident_bytes = process->sample.resident_bytes;
  status->last_check_us = process->last_check_us;
  status->last_check_time_s = wall_s(process->last_check_us, wall_offset_us);
}

WdProcessStatus *
wd_process_status(const WdProcess *process, const WdLimits *limits, gint64 wall_offset_us)
{
  WdProcessStatus *status = wd_process_status_new(process->role, process->name, process->path);
  status->pid = process->pid;
  status->start_ticks = process->start_ticks;
  status->state = process->state;
  if (process->role != WD_ROLE_WATCHDOG) {
    status->restarts = MAX(process->starts - 1, 0);
    status->terminations = process->terminations;
    status->quick_exits = process->respawn.quick_exits;
    status->restart_limit = limits->respawn_limit;
  }
  if (process->state == WD_STATE_WAITING || process->state == WD_STATE_ABANDONED)
    status->next_start_time_s = wall_s(process->next_start_us, wall_offset_us);
  show_limits(limits, status);
  show_measures(process, wall_offset_us, status);
  status->last_exit_code = process->last_exit_code;
  status->last_exit_signal = process->last_exit_signal;
  status->last_seq = process->last_seq;
  return status;
}
