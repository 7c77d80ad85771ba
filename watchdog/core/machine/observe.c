#include "watchdog/core/machine/observe-private.h"

#include "watchdog/core/event/message.h"
#include "watchdog/core/kernel/details.h"
#include "watchdog/core/machine/presence.h"

#define INTERVAL_US (WD_CHECK_INTERVAL_S * G_TIME_SPAN_SECOND)

static WdStep
step_at(WdObserve *observe, gint64 now_us)
{
  return (WdStep){
      .limits = &observe->limits,
      .now_us = now_us,
      .last_seq = &observe->last_seq,
      .actions = observe->actions,
  };
}

/* --- its processes --- */

static void
process_clear(gpointer data)
{
  wd_process_clear(data);
}

static WdProcess *
add_process(WdObserve *observe, WdRole role, const char *name, const char *path)
{
  WdProcess process;
  wd_process_init(&process, observe->processes->len, role, name, path);
  g_array_append_val(observe->processes, process);
  return wd_observe_process(observe, observe->processes->len - 1);
}

static WdProcess *
find_pid(const WdObserve *observe, gint64 pid)
{
  for (guint i = 0; i < observe->processes->len; i++)
    if (wd_observe_process(observe, i)->pid == pid)
      return wd_observe_process(observe, i);
  return NULL;
}

static WdProcess *
find_extension(const WdObserve *observe, const char *name)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < observe->processes->len; i++)
    if (g_str_equal(wd_observe_process(observe, i)->name, name))
      return wd_observe_process(observe, i);
  return NULL;
}

/* Its name; where that is another's, its path; else with a number. */
static WdProcess *
extension_for(WdObserve *observe, const WdFound *found)
{
  for (guint n = 0;; n++) {
    g_autofree char *name = n == 0 ? g_strdup(found->name)
                            : n == 1 && found->path != NULL
                                ? g_strdup(found->path)
                                : g_strdup_printf("%s (%u)", found->name, n);
    WdProcess *process = find_extension(observe, name);
    if (process == NULL)
      return add_process(observe, WD_ROLE_EXTENSION, name, found->path);
    if (!wd_process_alive(process) && g_strcmp0(process->path, found->path) == 0)
      return process;
  }
}

/* --- for the outside --- */

WdObserve *
wd_observe_new(const WdFound *watcher, gint64 report_interval_s, gint64 now_us)
{
  WdObserve *observe = g_new0(WdObserve, 1);
  /* Until it is known better: what every level but one has; nothing is enforced. */
  wd_limits_resolve(&observe->limits, &(WdLimitFlags){.level = 0});
  observe->limits.cpus = 1;
  observe->limits.extensions_interval_s = report_interval_s;
  observe->began_us = now_us;
  observe->worker_gone_us = WD_NONE;
  observe->processes = g_array_new(FALSE, FALSE, sizeof(WdProcess));
  g_array_set_clear_func(observe->processes, process_clear);
  observe->actions = wd_actions_new();
  observe->checks = (WdChecks){
      .limits = &observe->limits,
      .processes = observe->processes,
      .next_check_us = now_us,
      .enforced_from_us = WD_NONE,
  };
  wd_reports_init(&observe->reports);
  WdProcess *process = add_process(observe, watcher->role, watcher->name, watcher->path);
  wd_process_begin(process, watcher->pid, watcher->start_ticks, watcher->started_us);
  WdStep step = step_at(observe, now_us);
  wd_process_record(&step, process,
                    wd_process_event(process, WD_EVENT_WATCHDOG_STARTED, WD_REASON_NONE), FALSE);
  add_process(observe, WD_ROLE_WORKER, "worker", watcher->path);
  return observe;
}

void
wd_observe_free(WdObserve *observe)
{
  if (observe == NULL)
    return;
  wd_reports_clear(&observe->reports);
  g_array_unref(observe->actions);
  g_array_unref(observe->processes);
  g_free(observe);
}

static void
enforce_from_start(WdObserve *observe)
{
  const WdProcess *worker = wd_observe_process(observe, WD_PROCESS_WORKER);
  if (worker->starts > 0)
    observe->checks.enforced_from_us =
        worker->started_us + observe->limits.watchdog_delay_s * G_TIME_SPAN_SECOND;
}

void
wd_observe_set_limits(WdObserve *observe, const WdLimits *limits)
{
  const gint64 report_interval_s = observe->limits.extensions_interval_s;
  observe->limits = *limits;
  observe->limits.extensions_interval_s = report_interval_s;
  observe->limits_known = TRUE;
  enforce_from_start(observe);
  wd_actions_publish(observe->actions);
}

/* A watcher starts the worker at a check of its own, so that its checks come a multiple of the
 * interval after that, and, for what it does itself takes time, never before ours. */
static void
worker_begins(WdObserve *observe, gint64 started_us, gint64 now_us)
{
  const gint64 passed = MAX(now_us - started_us, 0) / INTERVAL_US;
  observe->checks.next_check_us = started_us + (passed + 1) * INTERVAL_US;
  enforce_from_start(observe);
  wd_reports_begin(&observe->reports, now_us);
}

void
wd_observe_appeared(WdObserve *observe, const WdFound *found, gint64 now_us)
{
  WdProcess *process = wd_observe_process(observe, WD_PROCESS_WORKER);
  if (observe->closed)
    return;
  if (found->role == WD_ROLE_WORKER && wd_process_alive(process))
    wd_observe_gone(observe, process->pid, NULL, now_us);
  if (found->role == WD_ROLE_EXTENSION)
    process = extension_for(observe, found);
  WdStep step = step_at(observe, now_us);
  if (found->role == WD_ROLE_WORKER)
    wd_observe_worker_returns(observe, &step, found->started_us);
  wd_process_begin(process, found->pid, found->start_ticks, found->started_us);
  WdEvent *event = wd_process_event(process, WD_EVENT_PROCESS_STARTED, WD_REASON_NONE);
  event->restarts = process->starts - 1;
  wd_process_record(&step, process, event, FALSE);
  if (found->role == WD_ROLE_WORKER)
    worker_begins(observe, found->started_us, now_us);
}

guint
wd_observe_count(const WdObserve *observe)
{
  return observe->processes->len;
}

gint64
wd_observe_pid(const WdObserve *observe, guint index)
{
  return wd_observe_process(observe, index)->pid;
}

gint64
wd_observe_deadline(const WdObserve *observe)
{
  if (observe->closed)
    return G_MAXINT64;
  return MIN(wd_checks_deadline(&observe->checks), wd_observe_pause_known_us(observe));
}

gboolean
wd_observe_wants_sample(const WdObserve *observe, guint index, gint64 now_us)
{
  return wd_checks_wants_sample(&observe->checks, index, now_us);
}

/* Of itself a watcher looks at the memory alone (osquery/core/watcher.cpp, isWatcherHealthy). */
static void
over_limit(WdStep *step, WdProcess *process, const WdBreach *breach, gpointer user_data)
{
  if (process->role != WD_ROLE_WATCHDOG || breach->verdict.kind == WD_VERDICT_MEMORY)
    wd_observe_exceeded(user_data, step, process, breach);
}

/* One strike more and the process is over its limit: the watcher may see it before we do, and what
 * the process used last is known as of our last look. */
static gboolean
nears_last_strike(const WdMeter *meter, const WdLimits *limits)
{
  return ((gint64)meter->strikes + 1) * WD_CHECK_INTERVAL_S >= limits->latency_limit_s;
}

static void
set_pace(WdObserve *observe)
{
  const WdLimits *limits = &observe->limits;
  for (guint i = WD_PROCESS_WORKER; i < observe->processes->len; i++) {
    WdProcess *process = wd_observe_process(observe, i);
    const WdMeter *meter = &process->meter;
    gint64 next_us = MAX(process->next_memory_look_us, wd_meter_calm_us(meter, limits));
    if (nears_last_strike(meter, limits))
      next_us = MIN(next_us, meter->sample_us + WD_OBSERVE_LOOK_US);
    process->next_memory_look_us = next_us;
  }
}

void
wd_observe_tick(WdObserve *observe, const WdSample *const *samples, gint64 now_us)
{
  if (observe->closed)
    return;
  WdStep step = step_at(observe, now_us);
  wd_checks_look(&observe->checks, &step, samples, over_limit, observe);
  set_pace(observe);
  wd_observe_worker_stays_away(observe, &step);
}

void
wd_observe_reported(WdObserve *observe, const WdReport *report, gint64 now_us)
{
  WdStep step = step_at(observe, now_us);
  if (!observe->closed)
    wd_reports_take(&observe->reports, &step, observe->processes, report);
}

void
wd_observe_gone(WdObserve *observe, gint64 pid, const WdExit *how, gint64 now_us)
{
  WdProcess *process = find_pid(observe, pid);
  if (process == NULL || observe->closed)
    return;
  WdStep step = step_at(observe, now_us);
  process->last_exit_code = how != NULL ? how->code : WD_NONE;
  process->last_exit_signal = how != NULL ? how->signal : WD_NONE;
  if (process->role == WD_ROLE_WATCHDOG)
    wd_observe_watcher_gone(observe, &step, how);
  else
    wd_observe_child_gone(observe, &step, process, how);
}

void
wd_observe_stop(WdObserve *observe, gint64 now_us)
{
  WdStep step = step_at(observe, now_us);
  if (!observe->closed)
    wd_observe_close(observe, &step, WD_REASON_REQUEST);
}

/* About the store. Takes @details and @message. */
static void
record_store(WdObserve *observe, WdEventKind kind, char *details, char *message, gint64 now_us)
{
  WdProcess *watcher = wd_observe_process(observe, WD_PROCESS_WATCHDOG);
  WdStep step = step_at(observe, now_us);
  WdEvent *event = wd_process_event(watcher, kind, WD_REASON_NONE);
  event->details = details;
  event->message = message;
  wd_process_record(&step, watcher, event, FALSE);
}

void
wd_observe_lost(WdObserve *observe, guint64 lost, gint64 now_us)
{
  record_store(observe, WD_EVENT_EVENTS_LOST,
               g_strdup_printf("{\"events\":%" G_GUINT64_FORMAT "}", lost),
               wd_events_lost_message(lost), now_us);
}

void
wd_observe_recovered(WdObserve *observe, const WdRecovery *recovery, gint64 now_us)
{
  record_store(observe, WD_EVENT_HISTORY_RECOVERED, wd_recovery_details(recovery),
               wd_recovery_message(recovery), now_us);
}

/* --- what is to be done --- */

static const char *
basis_of(const WdObserve *observe, const WdAction *action)
{
  static const char SEEN[] = "{\"basis\":\"seen\"}";
  static const char INFERRED[] = "{\"basis\":\"inferred\"}";
  const WdProcess *process = wd_observe_process(observe, action->process);
  const WdReason reason = action->event->reason;
  switch (action->event->kind) {
  case WD_EVENT_PROCESS_STARTED:
    return process->started_us >= observe->began_us ? SEEN : INFERRED;
  case WD_EVENT_PROCESS_EXITED:
    return reason == WD_REASON_WORKER_GONE ? INFERRED : SEEN;
  case WD_EVENT_EXTENSION_UNREGISTERED:
    return reason == WD_REASON_REGISTRATION ? SEEN : INFERRED;
  case WD_EVENT_PROCESS_TERMINATED:
  case WD_EVENT_RESPAWN_DELAYED:
  case WD_EVENT_RESPAWN_LIMIT_REACHED:
    return INFERRED;
  case WD_EVENT_WATCHDOG_STARTED:
  case WD_EVENT_WATCHDOG_STOPPED:
  case WD_EVENT_WATCHDOG_CRASHED:
  case WD_EVENT_LIMIT_EXCEEDED:
  case WD_EVENT_WOULD_TERMINATE:
  case WD_EVENT_TERMINATION_STUCK:
  case WD_EVENT_SPAWN_FAILED:
  case WD_EVENT_EXTENSION_REGISTERED:
  case WD_EVENT_QUERY_DENYLISTED:
  case WD_EVENT_SETTINGS_CHANGED:
  case WD_EVENT_EVENTS_LOST:
  case WD_EVENT_HISTORY_RECOVERED:
    return SEEN;
  }
  g_return_val_if_reached(SEEN);
}

GArray *
wd_observe_take_actions(WdObserve *observe)
{
  for (guint i = 0; i < observe->actions->len; i++) {
    const WdAction *action = &g_array_index(observe->actions, WdAction, i);
    if (action->kind != WD_ACTION_RECORD)
      continue;
    WdEvent *event = action->event;
    g_autofree char *details = g_steal_pointer(&event->details);
    event->details = wd_details_join(basis_of(observe, action), details);
    g_autofree char *message = g_steal_pointer(&event->message);
    event->message = wd_observe_message(event, message);
  }
  GArray *actions = g_steal_pointer(&observe->actions);
  observe->actions = wd_actions_new();
  return actions;
}

/* --- the present state --- */

static WdProcessStatus *
status_of(const WdObserve *observe, const WdProcess *process, gint64 now_us, gint64 wall_offset_us)
{
  WdProcessStatus *status = wd_process_status(process, &observe->limits, wall_offset_us);
  const gboolean watcher = process->role == WD_ROLE_WATCHDOG;
  status->next_start_time_s = WD_NONE; /* the watcher's to know */
  if (!observe->limits_known)
    status->memory_limit_bytes = WD_NONE;
  if (!observe->limits_known || watcher)
    status->utilization_limit = status->latency_limit_s = WD_NONE;
  if (!observe->limits_known || process->role != WD_ROLE_WORKER)
    status->restart_limit = WD_NONE;
  status->enforced = wd_checks_watched(&observe->checks, process, now_us);
  wd_reports_show(&observe->reports, &observe->limits, observe->processes, process, now_us, status);
  return status;
}

GPtrArray *
wd_observe_status(const WdObserve *observe, gint64 now_us, gint64 wall_offset_us)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func((GDestroyNotify)wd_process_status_free);
  for (guint i = 0; i < observe->processes->len; i++)
    g_ptr_array_add(rows,
                    status_of(observe, wd_observe_process(observe, i), now_us, wall_offset_us));
  return rows;
}
