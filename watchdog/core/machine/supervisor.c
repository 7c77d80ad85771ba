#include "watchdog/core/machine/supervisor-private.h"

#include "watchdog/core/event/message.h"

static void
process_clear(gpointer data)
{
  wd_process_clear(data);
}

static guint
add_process(WdSupervisor *supervisor, WdRole role, const char *name, const char *path)
{
  const guint index = supervisor->processes->len;
  WdProcess process;
  wd_process_init(&process, index, role, name, path);
  g_array_append_val(supervisor->processes, process);
  return index;
}

WdSupervisor *
wd_supervisor_new(const WdLimits *limits, const char *watchdog_path, gint64 watchdog_pid,
                  gint64 watchdog_start_ticks, const char *worker_path, gint64 now_us)
{
  WdSupervisor *supervisor = g_new0(WdSupervisor, 1);
  supervisor->limits = *limits;
  supervisor->processes = g_array_new(FALSE, FALSE, sizeof(WdProcess));
  g_array_set_clear_func(supervisor->processes, process_clear);
  supervisor->checks = (WdChecks){
      .limits = &supervisor->limits,
      .processes = supervisor->processes,
      .next_check_us = now_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC,
      .enforced_from_us = WD_NONE,
  };
  wd_reports_init(&supervisor->reports);
  supervisor->worker_gone_us = WD_NONE;

  add_process(supervisor, WD_ROLE_WATCHDOG, "watchdog", watchdog_path);
  WdProcess *self = wd_supervisor_process(supervisor, WD_PROCESS_WATCHDOG);
  self->state = WD_STATE_RUNNING;
  self->pid = watchdog_pid;
  self->start_ticks = watchdog_start_ticks;
  self->started_us = now_us;
  g_strlcpy(self->presence.version, PROJECT_VERSION, sizeof self->presence.version);
  wd_meter_reset(&self->meter, now_us);
  add_process(supervisor, WD_ROLE_WORKER, "worker", worker_path);
  wd_supervisor_process(supervisor, WD_PROCESS_WORKER)->next_start_us = now_us;
  return supervisor;
}

void
wd_supervisor_free(WdSupervisor *supervisor)
{
  if (supervisor == NULL)
    return;
  wd_reports_clear(&supervisor->reports);
  g_array_unref(supervisor->processes);
  g_free(supervisor);
}

guint
wd_supervisor_add_extension(WdSupervisor *supervisor, const char *name, const char *path,
                            gboolean indispensable)
{
  const guint index = add_process(supervisor, WD_ROLE_EXTENSION, name, path);
  WdProcess *extension = wd_supervisor_process(supervisor, index);
  extension->indispensable = indispensable;
  if (supervisor->stopping)
    extension->state = WD_STATE_STOPPED;
  return index;
}

guint
wd_supervisor_find_extension(const WdSupervisor *supervisor, const char *path)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < supervisor->processes->len; i++)
    if (g_strcmp0(wd_supervisor_process(supervisor, i)->path, path) == 0)
      return i;
  return 0;
}

gboolean
wd_supervisor_wants(const WdSupervisor *supervisor, guint index)
{
  return wd_supervisor_process(supervisor, index)->wanted;
}

const WdLimits *
wd_supervisor_limits(const WdSupervisor *supervisor)
{
  return &supervisor->limits;
}

guint
wd_supervisor_count(const WdSupervisor *supervisor)
{
  return supervisor->processes->len;
}

/* --- stopping everything --- */

gint64
wd_supervisor_stop_grace_us(const WdStep *step)
{
  return step->limits->stop_grace_s * G_USEC_PER_SEC;
}

void
wd_supervisor_begin_stop(WdSupervisor *supervisor, WdStep *step, WdReason reason, int exit_code,
                         guint64 cause_seq)
{
  if (supervisor->stopping)
    return;
  supervisor->stopping = TRUE;
  step->stopping = TRUE;
  supervisor->stop_reason = reason;
  supervisor->stop_cause_seq = cause_seq;
  supervisor->exit_code = exit_code;
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++)
    wd_process_end(step, wd_supervisor_process(supervisor, i), WD_REASON_REQUEST,
                   wd_supervisor_stop_grace_us(step));
}

static gboolean
at_rest(const WdProcess *process)
{
  return process->state == WD_STATE_STUCK || (!wd_process_alive(process) && !process->spawning);
}

/* Stopped once nothing runs that can be stopped. */
static void
finish_stop(WdSupervisor *supervisor, WdStep *step)
{
  if (!supervisor->stopping || supervisor->stopped)
    return;
  gboolean stuck = FALSE;
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++) {
    const WdProcess *process = wd_supervisor_process(supervisor, i);
    if (!at_rest(process))
      return;
    stuck = stuck || process->state == WD_STATE_STUCK;
  }
  if (stuck && supervisor->exit_code == WD_EXIT_STOPPED)
    supervisor->exit_code = WD_EXIT_FAILED;
  supervisor->stopped = TRUE;
  WdProcess *self = wd_supervisor_process(supervisor, WD_PROCESS_WATCHDOG);
  WdEvent *event = wd_process_event(self, WD_EVENT_WATCHDOG_STOPPED, supervisor->stop_reason);
  event->exit_code = supervisor->exit_code;
  event->cause_seq = supervisor->stop_cause_seq;
  self->state = WD_STATE_STOPPED;
  wd_process_record(step, self, event, FALSE);
  wd_actions_publish(step->actions);
  wd_actions_exit(step->actions, supervisor->exit_code);
}

/* --- limits --- */

gboolean
wd_supervisor_wants_sample(const WdSupervisor *supervisor, guint index, gint64 now_us)
{
  return wd_checks_wants_sample(&supervisor->checks, index, now_us);
}

static void
watchdog_unhealthy(WdSupervisor *supervisor, WdStep *step, WdProcess *self, const WdBreach *breach)
{
  if (supervisor->stopping)
    return;
  wd_process_record_unhealthy(step, self, breach);
  wd_supervisor_begin_stop(supervisor, step, WD_REASON_HEALTH, WD_EXIT_CATASTROPHIC,
                           self->last_seq);
}

static void
over_limit(WdStep *step, WdProcess *process, const WdBreach *breach, gpointer user_data)
{
  if (step->limits->dry_run)
    wd_process_record_breach(step, process, breach);
  else if (process->role == WD_ROLE_WATCHDOG)
    watchdog_unhealthy(user_data, step, process, breach);
  else
    wd_process_end_for_limit(step, process, breach);
}

/* --- stepping --- */

static void
tick(WdSupervisor *supervisor, WdStep *step, const WdSample *const *samples)
{
  if (!supervisor->started) {
    supervisor->started = TRUE;
    WdProcess *self = wd_supervisor_process(supervisor, WD_PROCESS_WATCHDOG);
    wd_process_record(step, self, wd_process_event(self, WD_EVENT_WATCHDOG_STARTED, WD_REASON_NONE),
                      FALSE);
  }
  wd_checks_look(&supervisor->checks, step, samples, over_limit, supervisor);
}

static void
stop(WdSupervisor *supervisor, WdStep *step)
{
  if (!supervisor->stop_requested) {
    supervisor->stop_requested = TRUE;
    wd_supervisor_begin_stop(supervisor, step, WD_REASON_REQUEST, WD_EXIT_STOPPED, 0);
    return;
  }
  supervisor->stop_at_once = TRUE;
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++)
    wd_process_kill_now(step, wd_supervisor_process(supervisor, i));
}

static void
stored(WdSupervisor *supervisor, WdStep *step, guint64 seq)
{
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++)
    wd_process_stored(step, wd_supervisor_process(supervisor, i), seq);
}

/* The worker reads its own flags when it starts, so what it was started with stays as it was. */
static void
change_settings(WdSupervisor *supervisor, WdStep *step, const WdInput *input)
{
  const WdLimits *limits = input->settings.limits;
  if (supervisor->checks.enforced_from_us != WD_NONE)
    supervisor->checks.enforced_from_us +=
        (limits->watchdog_delay_s - supervisor->limits.watchdog_delay_s) * G_USEC_PER_SEC;
  supervisor->limits = *limits;
  WdProcess *self = wd_supervisor_process(supervisor, WD_PROCESS_WATCHDOG);
  WdEvent *event = wd_process_event(self, WD_EVENT_SETTINGS_CHANGED, WD_REASON_REQUEST);
  event->details = g_strdup(input->settings.details);
  event->message = g_strdup(input->settings.message);
  wd_process_record(step, self, event, FALSE);
}

static void
change_wanted(WdStep *step, WdProcess *extension, gboolean wanted)
{
  if (wanted) {
    wd_process_want_again(step, extension);
    return;
  }
  extension->wanted = FALSE;
  wd_supervisor_end_unwanted(step, extension);
}

static void
events_lost(WdSupervisor *supervisor, WdStep *step, guint64 lost)
{
  WdProcess *self = wd_supervisor_process(supervisor, WD_PROCESS_WATCHDOG);
  WdEvent *event = wd_process_event(self, WD_EVENT_EVENTS_LOST, WD_REASON_NONE);
  event->message = wd_events_lost_message(lost);
  event->details = g_strdup_printf("{\"events\":%" G_GUINT64_FORMAT "}", lost);
  wd_process_record(step, self, event, FALSE);
}

static void
history_recovered(WdSupervisor *supervisor, WdStep *step, const WdRecovery *recovery)
{
  WdProcess *self = wd_supervisor_process(supervisor, WD_PROCESS_WATCHDOG);
  WdEvent *event = wd_process_event(self, WD_EVENT_HISTORY_RECOVERED, WD_REASON_NONE);
  event->message = wd_recovery_message(recovery);
  event->details = wd_recovery_details(recovery);
  wd_process_record(step, self, event, FALSE);
}

/* Whether an action from @first on goes with another state than is published, and none publishes
 * it. */
static gboolean
changes_state(const GArray *actions, guint first)
{
  gboolean changes = FALSE;
  for (guint i = first; i < actions->len; i++) {
    const WdActionKind kind = g_array_index(actions, WdAction, i).kind;
    if (kind == WD_ACTION_PUBLISH || kind == WD_ACTION_EXIT)
      return FALSE;
    changes = changes || kind == WD_ACTION_RECORD || kind == WD_ACTION_SIGNAL;
  }
  return changes;
}

void
wd_supervisor_step(WdSupervisor *supervisor, const WdInput *input, gint64 now_us, GArray *actions)
{
  WdStep step = {.limits = &supervisor->limits,
                 .stopping = supervisor->stopping,
                 .now_us = now_us,
                 .last_seq = &supervisor->last_seq,
                 .actions = actions};
  const guint before = actions->len;

  if (supervisor->stopped)
    return;
  switch (input->kind) {
  case WD_INPUT_TICK:
    tick(supervisor, &step, input->samples);
    break;
  case WD_INPUT_SPAWNED:
    wd_supervisor_spawned(supervisor, &step, wd_supervisor_process(supervisor, input->process),
                          input);
    break;
  case WD_INPUT_SPAWN_FAILED:
    wd_supervisor_spawn_failed(supervisor, &step, wd_supervisor_process(supervisor, input->process),
                               input->spawn_error);
    break;
  case WD_INPUT_EXITED:
    wd_supervisor_exited(supervisor, &step, wd_supervisor_process(supervisor, input->process),
                         &input->exited);
    break;
  case WD_INPUT_STORED:
    stored(supervisor, &step, input->seq);
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    supervisor->manager_accepts =
        wd_supervisor_process(supervisor, WD_PROCESS_WORKER)->state == WD_STATE_RUNNING;
    break;
  case WD_INPUT_EVENTS_LOST:
    events_lost(supervisor, &step, input->lost);
    break;
  case WD_INPUT_HISTORY_RECOVERED:
    history_recovered(supervisor, &step, input->recovery);
    break;
  case WD_INPUT_SETTINGS:
    change_settings(supervisor, &step, input);
    break;
  case WD_INPUT_WANTED:
    change_wanted(&step, wd_supervisor_process(supervisor, input->process), input->wanted);
    break;
  case WD_INPUT_REPORT:
    wd_reports_take(&supervisor->reports, &step, supervisor->processes, input->report);
    break;
  case WD_INPUT_STOP:
    stop(supervisor, &step);
    break;
  }

  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++)
    wd_process_advance(&step, wd_supervisor_process(supervisor, i));
  wd_supervisor_start_what_is_due(supervisor, &step);
  wd_supervisor_probe_manager(supervisor, &step);
  finish_stop(supervisor, &step);
  if (changes_state(actions, before))
    wd_actions_publish(actions);
}

gint64
wd_supervisor_deadline(const WdSupervisor *supervisor)
{
  if (supervisor->stopped)
    return G_MAXINT64;
  gint64 deadline = wd_checks_deadline(&supervisor->checks);
  if (wd_supervisor_probes_manager(supervisor))
    deadline = MIN(deadline, supervisor->next_probe_us);
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++) {
    const WdProcess *process = wd_supervisor_process(supervisor, i);
    if (wd_supervisor_may_start(supervisor, process))
      deadline = MIN(deadline, process->next_start_us);
    if (process->state == WD_STATE_TERMINATING || process->state == WD_STATE_KILLING)
      deadline = MIN(deadline, process->ending.next_us);
  }
  return deadline;
}

GPtrArray *
wd_supervisor_status(const WdSupervisor *supervisor, gint64 now_us, gint64 wall_offset_us)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func((GDestroyNotify)wd_process_status_free);
  for (guint i = 0; i < supervisor->processes->len; i++) {
    const WdProcess *process = wd_supervisor_process(supervisor, i);
    if (!process->wanted && at_rest(process) && !wd_process_alive(process))
      continue;
    WdProcessStatus *row = wd_process_status(process, &supervisor->limits, wall_offset_us);
    /* Due, but waiting for a spawn or for the worker's manager. */
    if (process->next_start_us <= now_us)
      row->next_start_time_s = WD_NONE;
    wd_reports_show(&supervisor->reports, &supervisor->limits, supervisor->processes, process,
                    now_us, row);
    row->enforced =
        !supervisor->limits.dry_run && wd_checks_watched(&supervisor->checks, process, now_us);
    g_ptr_array_add(rows, row);
  }
  return rows;
}
