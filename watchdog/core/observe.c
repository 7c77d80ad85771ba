#include "watchdog/core/observe.h"

#include "watchdog/core/message.h"

#include <signal.h>

#define SECOND_US G_TIME_SPAN_SECOND
#define INTERVAL_US (WD_CHECK_INTERVAL_S * SECOND_US)
/* The longest that anything is left unlooked at: what a process used last is known as of then. */
#define LOOK_US (1 * SECOND_US)
/* An extension made with osquery's SDKs goes within an interval and a timeout of its worker. */
#define FOLLOW_US (10 * SECOND_US)
/* osquery/core/watcher.cpp: a watcher waits so long for a process that it has killed. */
#define REAP_US (2 * SECOND_US)
#define EXIT_CATASTROPHIC 78

static const char SEEN[] = "{\"basis\":\"seen\"}";
static const char INFERRED[] = "{\"basis\":\"inferred\"}";

typedef struct {
  WdRole role;
  char *name;
  char *path;
  gint64 pid;      /* WD_NONE: gone */
  gint64 last_pid; /* also when it is gone */
  gint64 start_ticks;
  gint64 started_us;
  gint64 starts;
  gint64 terminations;
  gint64 quick_exits; /* never forgotten, as osquery's watcher doesn't */
  gboolean spent;     /* it went after the last quick exit that is allowed */
  gint64 last_exit_code;
  gint64 last_exit_signal;
  gint64 gone_us; /* WD_NONE: never */
  guint64 gone_seq;
  guint64 last_seq;

  WdMeter meter;
  WdSample sample; /* the last one, valid unless last_check_us is WD_NONE */
  gint64 last_check_us;
  gint64 next_look_us;

  WdEvent *breach;       /* the limit_exceeded that is open; NULL: none */
  gint64 breach_ends_us; /* until then the watcher may act on it */
} Observed;

struct WdObserve {
  WdLimits limits;
  gboolean limits_known;
  gint64 began_us;
  gboolean closed;     /* the run */
  GPtrArray *observed; /* of Observed: the watcher, then what it started; never removed */
  GQueue events;       /* of WdEvent, owned */
  guint64 seq;
};

/* --- its processes --- */

static void
observed_free(gpointer data)
{
  Observed *process = data;
  wd_event_free(process->breach);
  g_free(process->name);
  g_free(process->path);
  g_free(process);
}

static Observed *
observed_at(const WdObserve *observe, guint index)
{
  return g_ptr_array_index(observe->observed, index);
}

static Observed *
watcher_of(const WdObserve *observe)
{
  return observed_at(observe, 0);
}

static Observed *
find_pid(const WdObserve *observe, gint64 pid)
{
  for (guint i = 0; i < observe->observed->len; i++)
    if (observed_at(observe, i)->pid == pid)
      return observed_at(observe, i);
  return NULL;
}

/* NULL: there was none yet. */
static Observed *
find_name(const WdObserve *observe, WdRole role, const char *name)
{
  for (guint i = 0; i < observe->observed->len; i++) {
    Observed *process = observed_at(observe, i);
    if (process->role == role && g_str_equal(process->name, name))
      return process;
  }
  return NULL;
}

static Observed *
worker_of(const WdObserve *observe)
{
  return find_name(observe, WD_ROLE_WORKER, "worker");
}

static Observed *
add_process(WdObserve *observe, const WdFound *found)
{
  Observed *process = g_new0(Observed, 1);
  process->role = found->role;
  process->name = g_strdup(found->name);
  process->path = g_strdup(found->path);
  process->last_exit_code = process->last_exit_signal = WD_NONE;
  process->gone_us = WD_NONE;
  g_ptr_array_add(observe->observed, process);
  return process;
}

static void
begin_process(Observed *process, const WdFound *found, gint64 now_us)
{
  process->pid = process->last_pid = found->pid;
  process->start_ticks = found->start_ticks;
  process->started_us = found->started_us;
  process->starts++;
  process->spent = FALSE;
  process->last_check_us = WD_NONE;
  process->next_look_us = now_us;
  /* Of one that ran before we came, the first interval reaches back to its start. */
  wd_meter_reset(&process->meter, found->started_us);
}

/* --- events --- */

static WdEvent *
new_event(const Observed *process, WdEventKind kind, WdReason reason, const char *basis)
{
  WdEvent *event = wd_event_new(kind, process->role, process->name, process->path);
  event->pid = process->pid;
  event->reason = reason;
  event->details = g_strdup(basis);
  return event;
}

/* Takes @event. */
static void
record(WdObserve *observe, Observed *process, WdEvent *event)
{
  event->seq = ++observe->seq;
  if (event->message == NULL)
    event->message = wd_observe_message(event);
  process->last_seq = event->seq;
  g_queue_push_tail(&observe->events, event);
}

static gint64
lifetime_ms(const Observed *process, gint64 now_us)
{
  return (now_us - process->started_us) / G_TIME_SPAN_MILLISECOND;
}

static void
set_breach(WdEvent *event, const WdMeter *meter, const WdLimits *limits, const WdVerdict *verdict)
{
  event->measured = verdict->measured;
  event->limit_value = verdict->limit;
  event->unit = verdict->unit;
  if (verdict->kind != WD_VERDICT_CPU)
    return;
  event->utilization = meter->utilization;
  event->utilization_limit = limits->utilization_limit;
  event->sustained_s = meter->sustained_s;
}

/* --- limits --- */

/* Whether the watcher acts on the process's limits at this time. */
static gboolean
is_enforced(const WdObserve *observe, const Observed *process, WdVerdictKind verdict, gint64 now_us)
{
  const WdLimits *limits = &observe->limits;
  const Observed *worker = worker_of(observe);
  if (!observe->limits_known || !limits->enforce)
    return FALSE;
  if (process->role == WD_ROLE_WATCHDOG)
    return verdict == WD_VERDICT_MEMORY;
  if (process->role == WD_ROLE_EXTENSION && !limits->enforce_extensions)
    return FALSE;
  return worker != NULL && now_us - worker->started_us >= limits->watchdog_delay_s * SECOND_US;
}

static void
exceeded(WdObserve *observe, Observed *process, const WdMeter *meter, const WdVerdict *verdict,
         gint64 now_us)
{
  const WdLimits *limits = &observe->limits;
  if (!is_enforced(observe, process, verdict->kind, now_us))
    return;
  if (process->breach != NULL && now_us > process->breach_ends_us)
    g_clear_pointer(&process->breach, wd_event_free);
  process->breach_ends_us =
      now_us + INTERVAL_US + limits->forced_shutdown_delay_s * SECOND_US + REAP_US;
  if (process->breach != NULL)
    return;
  WdEvent *event =
      new_event(process, WD_EVENT_LIMIT_EXCEEDED,
                verdict->kind == WD_VERDICT_CPU ? WD_REASON_CPU : WD_REASON_MEMORY, SEEN);
  set_breach(event, meter, limits, verdict);
  event->lifetime_ms = lifetime_ms(process, now_us);
  record(observe, process, event);
  process->breach = wd_event_copy(event);
}

/* The watcher's check comes at a moment of its own and may have seen the strike that we were about
 * to see: if the process used too much of what there was of the last interval, that counts. */
static void
judge_last_interval(WdObserve *observe, Observed *process, gint64 now_us)
{
  WdMeter meter = process->meter;
  if (process->last_check_us == WD_NONE || process->breach != NULL ||
      process->last_check_us - meter.regular_us < LOOK_US)
    return;
  const WdVerdict verdict =
      wd_meter_sample(&meter, &observe->limits, &process->sample, process->last_check_us, TRUE);
  if (verdict.kind == WD_VERDICT_CPU)
    exceeded(observe, process, &meter, &verdict, now_us);
}

/* Whether a process that the watcher ends may end like this: asked to, or killed; a worker in the
 * middle of a query ends with 78 when its alarm comes first. NULL: it isn't known. */
static gboolean
fits_termination(const Observed *process, const WdExit *how)
{
  if (how == NULL)
    return TRUE;
  if (how->signal != WD_NONE)
    return how->signal == SIGTERM || how->signal == SIGKILL || how->signal == SIGUSR1;
  return process->role != WD_ROLE_WORKER || how->code == 0 || how->code == EXIT_CATASTROPHIC;
}

/* --- what happens --- */

static WdEvent *
terminated_event(const Observed *process, const WdExit *how)
{
  const WdEvent *breach = process->breach;
  WdEvent *event = new_event(process, WD_EVENT_PROCESS_TERMINATED, breach->reason, INFERRED);
  event->cause_seq = breach->seq;
  event->measured = breach->measured;
  event->limit_value = breach->limit_value;
  event->unit = breach->unit;
  event->utilization = breach->utilization;
  event->utilization_limit = breach->utilization_limit;
  event->sustained_s = breach->sustained_s;
  if (how != NULL)
    event->outcome = how->signal == SIGKILL ? WD_OUTCOME_KILLED : WD_OUTCOME_GRACEFUL;
  return event;
}

static WdReason
reason_of(const WdExit *how)
{
  if (how == NULL)
    return WD_REASON_NONE;
  return how->signal != WD_NONE ? WD_REASON_SIGNAL : WD_REASON_EXIT;
}

/* The worker that an extension's end follows; NULL: it follows none. */
static const Observed *
followed_worker(const WdObserve *observe, const Observed *process, const WdExit *how, gint64 now_us)
{
  const Observed *worker = worker_of(observe);
  const gboolean follows = process->role == WD_ROLE_EXTENSION && worker != NULL &&
                           worker->gone_us != WD_NONE && worker->gone_us >= process->started_us &&
                           now_us - worker->gone_us <= FOLLOW_US;
  return follows && (how == NULL || how->signal == WD_NONE) ? worker : NULL;
}

static WdEvent *
exited_event(const WdObserve *observe, const Observed *process, const WdExit *how, gint64 now_us)
{
  const Observed *worker = followed_worker(observe, process, how, now_us);
  if (worker == NULL)
    return new_event(process, WD_EVENT_PROCESS_EXITED, reason_of(how), SEEN);
  WdEvent *event = new_event(process, WD_EVENT_PROCESS_EXITED, WD_REASON_WORKER_GONE, INFERRED);
  event->cause_seq = worker->gone_seq;
  return event;
}

static void
count_exit(const WdObserve *observe, Observed *process, gint64 now_us)
{
  const WdLimits *limits = &observe->limits;
  process->spent = process->quick_exits >= limits->respawn_limit;
  if (now_us - process->started_us < limits->quick_exit_s * SECOND_US)
    process->quick_exits++;
}

static void
child_gone(WdObserve *observe, Observed *process, const WdExit *how, gint64 now_us)
{
  judge_last_interval(observe, process, now_us);
  const gboolean terminated = process->breach != NULL && now_us <= process->breach_ends_us &&
                              fits_termination(process, how);
  WdEvent *event =
      terminated ? terminated_event(process, how) : exited_event(observe, process, how, now_us);
  event->exit_code = process->last_exit_code;
  event->exit_signal = process->last_exit_signal;
  event->lifetime_ms = lifetime_ms(process, now_us);
  event->restarts = process->starts - 1;
  process->terminations += terminated;
  count_exit(observe, process, now_us);
  record(observe, process, event);
  process->gone_seq = event->seq;
}

/* A watcher that ends, or ends us, while the worker is over its quick exits has given up. */
static guint64
record_give_up(WdObserve *observe)
{
  Observed *worker = worker_of(observe);
  if (worker == NULL || worker->pid != WD_NONE)
    return 0;
  if (!worker->spent)
    return worker->last_exit_code == EXIT_CATASTROPHIC ? worker->gone_seq : 0;
  WdEvent *event = new_event(worker, WD_EVENT_RESPAWN_LIMIT_REACHED,
                             worker->last_exit_signal != WD_NONE ? WD_REASON_SIGNAL
                             : worker->last_exit_code != WD_NONE ? WD_REASON_EXIT
                                                                 : WD_REASON_NONE,
                             INFERRED);
  event->cause_seq = worker->gone_seq;
  event->restarts = worker->starts - 1;
  record(observe, worker, event);
  return event->seq;
}

static void
close_run(WdObserve *observe, WdReason reason, guint64 cause_seq)
{
  Observed *watcher = watcher_of(observe);
  WdEvent *event = new_event(watcher, WD_EVENT_WATCHDOG_STOPPED, reason, SEEN);
  event->cause_seq = cause_seq;
  event->exit_code = watcher->last_exit_code;
  event->exit_signal = watcher->last_exit_signal;
  record(observe, watcher, event);
  observe->closed = TRUE;
}

static void
watcher_gone(WdObserve *observe, Observed *watcher, const WdExit *how)
{
  const guint64 cause_seq = record_give_up(observe);
  close_run(observe, reason_of(how), watcher->breach != NULL ? watcher->breach->seq : cause_seq);
}

/* --- for the outside --- */

WdObserve *
wd_observe_new(const WdFound *watcher, gint64 now_us)
{
  WdObserve *observe = g_new0(WdObserve, 1);
  observe->began_us = now_us;
  observe->observed = g_ptr_array_new_with_free_func(observed_free);
  g_queue_init(&observe->events);
  /* Until it is known better: what every level but one has, and limits that nothing exceeds. */
  wd_limits_resolve(&observe->limits, &(WdLimitFlags){.level = 0});
  observe->limits.memory_limit_bytes = G_MAXINT64;
  observe->limits.utilization_limit = 100;
  observe->limits.cpus = 1;
  Observed *process = add_process(observe, watcher);
  begin_process(process, watcher, now_us);
  record(observe, process, new_event(process, WD_EVENT_WATCHDOG_STARTED, WD_REASON_NONE, SEEN));
  return observe;
}

void
wd_observe_free(WdObserve *observe)
{
  if (observe == NULL)
    return;
  g_queue_clear_full(&observe->events, (GDestroyNotify)wd_event_free);
  g_ptr_array_unref(observe->observed);
  g_free(observe);
}

void
wd_observe_set_limits(WdObserve *observe, const WdLimits *limits)
{
  observe->limits = *limits;
  observe->limits_known = TRUE;
}

void
wd_observe_appeared(WdObserve *observe, const WdFound *found, gint64 now_us)
{
  Observed *process = find_name(observe, found->role, found->name);
  if (process == NULL)
    process = add_process(observe, found);
  else if (process->pid != WD_NONE)
    wd_observe_gone(observe, process->pid, NULL, now_us);
  begin_process(process, found, now_us);
  WdEvent *event = new_event(process, WD_EVENT_PROCESS_STARTED, WD_REASON_NONE,
                             found->started_us >= observe->began_us ? SEEN : INFERRED);
  event->restarts = process->starts - 1;
  record(observe, process, event);
}

gboolean
wd_observe_knows(const WdObserve *observe, gint64 pid)
{
  return find_pid(observe, pid) != NULL;
}

gboolean
wd_observe_has_seen(const WdObserve *observe, gint64 pid, gint64 start_ticks)
{
  for (guint i = 0; i < observe->observed->len; i++) {
    const Observed *process = observed_at(observe, i);
    if (process->last_pid == pid && process->start_ticks == start_ticks)
      return TRUE;
  }
  return FALSE;
}

gint64
wd_observe_next_look(const WdObserve *observe, gint64 *pid)
{
  gint64 next_us = G_MAXINT64;
  for (guint i = 0; i < observe->observed->len; i++) {
    const Observed *process = observed_at(observe, i);
    if (process->pid == WD_NONE || process->next_look_us >= next_us)
      continue;
    next_us = process->next_look_us;
    *pid = process->pid;
  }
  return next_us;
}

void
wd_observe_looked(WdObserve *observe, gint64 pid, const WdSample *sample, gint64 now_us)
{
  Observed *process = find_pid(observe, pid);
  if (process == NULL)
    return;
  WdMeter *meter = &process->meter;
  const gboolean regular = now_us >= meter->regular_us + INTERVAL_US;
  const WdVerdict verdict = wd_meter_sample(meter, &observe->limits, sample, now_us, regular);
  if (sample != NULL) {
    process->sample = *sample;
    process->last_check_us = now_us;
  }
  gint64 next_us = MIN(meter->regular_us + INTERVAL_US, now_us + LOOK_US);
  if (observe->limits_known)
    next_us = MIN(next_us, wd_meter_next_memory_sample_us(meter, &observe->limits));
  process->next_look_us = next_us > now_us ? next_us : now_us + LOOK_US;
  if (verdict.kind != WD_VERDICT_WITHIN)
    exceeded(observe, process, meter, &verdict, now_us);
}

void
wd_observe_gone(WdObserve *observe, gint64 pid, const WdExit *how, gint64 now_us)
{
  Observed *process = find_pid(observe, pid);
  if (process == NULL || observe->closed)
    return;
  process->last_exit_code = how != NULL ? how->code : WD_NONE;
  process->last_exit_signal = how != NULL ? how->signal : WD_NONE;
  if (process == watcher_of(observe))
    watcher_gone(observe, process, how);
  else
    child_gone(observe, process, how, now_us);
  g_clear_pointer(&process->breach, wd_event_free);
  process->pid = WD_NONE;
  process->gone_us = now_us;
}

void
wd_observe_stop(WdObserve *observe)
{
  if (!observe->closed)
    close_run(observe, WD_REASON_REQUEST, record_give_up(observe));
}

/* About the store. Takes @details and @message. */
static void
record_store(WdObserve *observe, WdEventKind kind, char *details, char *message)
{
  Observed *watcher = watcher_of(observe);
  WdEvent *event = wd_event_new(kind, watcher->role, watcher->name, watcher->path);
  event->details = details;
  event->message = message;
  record(observe, watcher, event);
}

void
wd_observe_lost(WdObserve *observe, guint64 lost)
{
  record_store(observe, WD_EVENT_EVENTS_LOST,
               g_strdup_printf("{\"events\":%" G_GUINT64_FORMAT "}", lost),
               wd_events_lost_message(lost));
}

void
wd_observe_recovered(WdObserve *observe, const WdRecovery *recovery)
{
  record_store(observe, WD_EVENT_HISTORY_RECOVERED, wd_recovery_details(recovery),
               wd_recovery_message(recovery));
}

WdEvent *
wd_observe_take_event(WdObserve *observe)
{
  return g_queue_pop_head(&observe->events);
}

/* --- the present state --- */

static gint64
wall_s(gint64 us, gint64 wall_offset_us)
{
  return (us + wall_offset_us) / SECOND_US;
}

static void
set_measured(WdProcessStatus *status, const Observed *process, gint64 wall_offset_us)
{
  const WdMeter *meter = &process->meter;
  status->start_time_s = wall_s(process->started_us, wall_offset_us);
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

static WdProcessStatus *
status_of(const WdObserve *observe, const Observed *process, gint64 now_us, gint64 wall_offset_us)
{
  const WdLimits *limits = &observe->limits;
  WdProcessStatus *status = wd_process_status_new(process->role, process->name, process->path);
  status->pid = process->pid;
  status->start_ticks = process->start_ticks;
  status->state = process->pid != WD_NONE ? WD_STATE_RUNNING : WD_STATE_WAITING;
  if (process->pid != WD_NONE)
    set_measured(status, process, wall_offset_us);
  if (process->role != WD_ROLE_WATCHDOG) {
    status->restarts = process->starts - 1;
    status->terminations = process->terminations;
    status->quick_exits = process->quick_exits;
  }
  if (observe->limits_known) {
    status->restart_limit = process->role == WD_ROLE_WORKER ? limits->respawn_limit : WD_NONE;
    status->memory_limit_bytes = limits->memory_limit_bytes;
  }
  if (observe->limits_known && process->role != WD_ROLE_WATCHDOG) {
    status->utilization_limit = limits->utilization_limit;
    status->latency_limit_s = limits->latency_limit_s;
  }
  status->enforced = is_enforced(observe, process, WD_VERDICT_MEMORY, now_us);
  status->last_exit_code = process->last_exit_code;
  status->last_exit_signal = process->last_exit_signal;
  status->last_seq = process->last_seq;
  return status;
}

GPtrArray *
wd_observe_status(const WdObserve *observe, gint64 now_us, gint64 wall_offset_us)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func((GDestroyNotify)wd_process_status_free);
  for (guint i = 0; i < observe->observed->len; i++)
    g_ptr_array_add(rows, status_of(observe, observed_at(observe, i), now_us, wall_offset_us));
  return rows;
}
