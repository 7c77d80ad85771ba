#include "watchdog/core/supervisor.h"

#include "watchdog/core/lifecycle.h"
#include "watchdog/core/message.h"
#include "watchdog/core/presence.h"

#include <string.h>

/* The first look for the manager's socket after the worker's start, and the longest wait between
 * two: a core needs some 10 ms to open it, or minutes when its database is large. */
#define PROBE_FIRST_US (5 * G_TIME_SPAN_MILLISECOND)
#define PROBE_LONGEST_US (1 * G_TIME_SPAN_SECOND)

/* An extension made with osquery's SDKs ends itself one interval, and perhaps one timeout, after
 * its core went; with this much more for a busy machine. */
#define WORKER_GONE_SLACK_US (5 * G_TIME_SPAN_SECOND)

/* A core that ends gracefully has its extensions shut down first, so that their exits are seen this
 * little before its own. */
#define EXIT_BEFORE_WORKER_US (2 * G_TIME_SPAN_SECOND)

/* A worker that exits non-zero so soon, this often in a row, and never opened its manager's socket,
 * does not understand its command line: backing off would only hide that. */
#define AT_ONCE_US (1 * G_TIME_SPAN_SECOND)
#define FAILURES_AT_ONCE_MAX 3

/* Reports come every interval; one that is later than this many is missed. */
#define REPORTS_MISSED 3
#define REPORT_SLACK_US (2 * G_TIME_SPAN_SECOND)
/* More denylisted queries than this are hardly true. */
#define DENYLISTED_MAX 1000
/* A ping that fails, and a busy machine. */
#define NAME_HELD_SLACK_US (500 * G_TIME_SPAN_MILLISECOND)

struct WdSupervisor {
  WdLimits limits;
  GArray *processes; /* of WdProcess */
  guint64 last_seq;
  gint64 next_check_us;

  gboolean started;        /* watchdog_started is recorded */
  gint64 enforced_from_us; /* the worker's latest start plus watchdog_delay; WD_NONE: none yet */

  gboolean manager_accepts;
  gint64 next_probe_us;
  guint failures_at_once;  /* workers in a row */
  gint64 worker_gone_us;   /* WD_NONE: not yet */
  guint64 worker_gone_seq; /* the event that tells it */
  gint64 heard_us;         /* the last report on the present worker, or its start */
  GHashTable *denylisted;  /* the queries that are recorded for the present worker */

  gboolean stopping;
  gboolean stop_requested; /* once */
  gboolean stop_at_once;   /* twice */
  gboolean stopped;        /* WD_ACTION_EXIT is out */
  WdReason stop_reason;
  guint64 stop_cause_seq;
  int exit_code;
};

static void
process_clear(gpointer data)
{
  wd_process_clear(data);
}

static WdProcess *
process_at(const WdSupervisor *supervisor, guint index)
{
  return &g_array_index(supervisor->processes, WdProcess, index);
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
  supervisor->next_check_us = now_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC;
  supervisor->enforced_from_us = WD_NONE;
  supervisor->worker_gone_us = WD_NONE;
  supervisor->denylisted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

  add_process(supervisor, WD_ROLE_WATCHDOG, "watchdog", watchdog_path);
  WdProcess *self = process_at(supervisor, WD_PROCESS_WATCHDOG);
  self->state = WD_STATE_RUNNING;
  self->pid = watchdog_pid;
  self->start_ticks = watchdog_start_ticks;
  self->started_us = now_us;
  g_strlcpy(self->presence.version, PROJECT_VERSION, sizeof self->presence.version);
  wd_meter_reset(&self->meter, now_us);
  add_process(supervisor, WD_ROLE_WORKER, "worker", worker_path);
  process_at(supervisor, WD_PROCESS_WORKER)->next_start_us = now_us;
  return supervisor;
}

void
wd_supervisor_free(WdSupervisor *supervisor)
{
  if (supervisor == NULL)
    return;
  g_hash_table_unref(supervisor->denylisted);
  g_array_unref(supervisor->processes);
  g_free(supervisor);
}

guint
wd_supervisor_add_extension(WdSupervisor *supervisor, const char *name, const char *path,
                            gboolean indispensable)
{
  const guint index = add_process(supervisor, WD_ROLE_EXTENSION, name, path);
  process_at(supervisor, index)->indispensable = indispensable;
  return index;
}

guint
wd_supervisor_find_extension(const WdSupervisor *supervisor, const char *path)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < supervisor->processes->len; i++)
    if (g_strcmp0(process_at(supervisor, i)->path, path) == 0)
      return i;
  return 0;
}

gboolean
wd_supervisor_wants(const WdSupervisor *supervisor, guint index)
{
  return process_at(supervisor, index)->wanted;
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

static gint64
stop_grace_us(const WdStep *step)
{
  return step->limits->stop_grace_s * G_USEC_PER_SEC;
}

static void
begin_stop(WdSupervisor *supervisor, WdStep *step, WdReason reason, int exit_code,
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
    wd_process_end(step, process_at(supervisor, i), WD_REASON_REQUEST, stop_grace_us(step));
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
    const WdProcess *process = process_at(supervisor, i);
    if (!at_rest(process))
      return;
    stuck = stuck || process->state == WD_STATE_STUCK;
  }
  if (stuck && supervisor->exit_code == WD_EXIT_STOPPED)
    supervisor->exit_code = WD_EXIT_FAILED;
  supervisor->stopped = TRUE;
  WdProcess *self = process_at(supervisor, WD_PROCESS_WATCHDOG);
  WdEvent *event = wd_process_event(self, WD_EVENT_WATCHDOG_STOPPED, supervisor->stop_reason);
  event->exit_code = supervisor->exit_code;
  event->cause_seq = supervisor->stop_cause_seq;
  self->state = WD_STATE_STOPPED;
  wd_process_record(step, self, event, FALSE);
  wd_actions_publish(step->actions);
  wd_actions_exit(step->actions, supervisor->exit_code);
}

/* --- measuring --- */

/* Whether going over a limit has consequences for @process at @now_us.
 * The watchdog's own health is checked from the start; the delay runs from the worker's start for
 * extensions too (osquery/core/watcher.cpp, delayedTime). */
static gboolean
watched(const WdSupervisor *supervisor, const WdProcess *process, gint64 now_us)
{
  if (!supervisor->limits.enforce)
    return FALSE;
  switch (process->role) {
  case WD_ROLE_WATCHDOG:
    return TRUE;
  case WD_ROLE_EXTENSION:
    if (!supervisor->limits.enforce_extensions)
      return FALSE;
    break;
  case WD_ROLE_WORKER:
    break;
  }
  return supervisor->enforced_from_us != WD_NONE && now_us >= supervisor->enforced_from_us;
}

static gboolean
looks_at_memory(const WdSupervisor *supervisor, const WdProcess *process, gint64 now_us)
{
  return process->role != WD_ROLE_WATCHDOG && process->state == WD_STATE_RUNNING &&
         watched(supervisor, process, now_us);
}

gboolean
wd_supervisor_wants_sample(const WdSupervisor *supervisor, guint index, gint64 now_us)
{
  const WdProcess *process = process_at(supervisor, index);
  if (!wd_process_alive(process))
    return FALSE;
  return now_us >= supervisor->next_check_us ||
         (looks_at_memory(supervisor, process, now_us) && now_us >= process->next_memory_look_us);
}

static void
watchdog_unhealthy(WdSupervisor *supervisor, WdStep *step, WdProcess *self, const WdBreach *breach)
{
  if (supervisor->stopping)
    return;
  wd_process_record_unhealthy(step, self, breach);
  begin_stop(supervisor, step, WD_REASON_HEALTH, WD_EXIT_CATASTROPHIC, self->last_seq);
}

static void
measure(WdSupervisor *supervisor, WdStep *step, WdProcess *process, const WdSample *sample,
        gboolean regular)
{
  WdBreach breach;
  const gboolean over = wd_process_measure(step, process, sample, regular, &breach);
  /* What was over its limit before that counted is looked at as soon as it does. */
  if (step->now_us < supervisor->enforced_from_us)
    process->next_memory_look_us = MIN(process->next_memory_look_us, supervisor->enforced_from_us);
  if (!over || process->state != WD_STATE_RUNNING || !watched(supervisor, process, step->now_us))
    return;
  const WdProcess *self = process_at(supervisor, WD_PROCESS_WATCHDOG);
  if (process != self && sample->ppid != self->pid)
    return;
  if (supervisor->limits.dry_run)
    wd_process_record_breach(step, process, &breach);
  else if (process->role == WD_ROLE_WATCHDOG)
    watchdog_unhealthy(supervisor, step, process, &breach);
  else
    wd_process_end_for_limit(step, process, &breach);
}

/* The worker first, then every extension, last the watchdog itself. */
static void
check(WdSupervisor *supervisor, WdStep *step, const WdSample *const *samples)
{
  const gboolean regular = step->now_us >= supervisor->next_check_us;
  const guint count = supervisor->processes->len;
  for (guint i = 0; i < count; i++) {
    const guint index = (i + 1) % count;
    if (wd_supervisor_wants_sample(supervisor, index, step->now_us))
      measure(supervisor, step, process_at(supervisor, index), samples[index], regular);
  }
  if (!regular)
    return;
  /* After a late check the next one is a whole interval away: checks are not made up for. */
  supervisor->next_check_us = step->now_us + WD_CHECK_INTERVAL_S * G_USEC_PER_SEC;
  wd_actions_publish(step->actions);
}

/* --- starting --- */

static gboolean
may_start(const WdSupervisor *supervisor, const WdProcess *process)
{
  const gboolean wanted =
      process->state == WD_STATE_WAITING || process->state == WD_STATE_ABANDONED;
  return wanted && !process->spawning && !supervisor->stopping &&
         (process->role == WD_ROLE_WORKER ||
          (supervisor->manager_accepts &&
           process_at(supervisor, WD_PROCESS_WORKER)->state == WD_STATE_RUNNING));
}

static void
start_what_is_due(WdSupervisor *supervisor, WdStep *step)
{
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++) {
    WdProcess *process = process_at(supervisor, i);
    if (may_start(supervisor, process) && step->now_us >= process->next_start_us)
      wd_process_start(step, process);
  }
}

static gboolean
probes_manager(const WdSupervisor *supervisor)
{
  return process_at(supervisor, WD_PROCESS_WORKER)->state == WD_STATE_RUNNING &&
         supervisor->limits.manager && !supervisor->manager_accepts && !supervisor->stopping;
}

/* Looks again after an eighth of the time already waited: early when the core is quick, rarely when
 * it is not. */
static void
probe_manager(WdSupervisor *supervisor, WdStep *step)
{
  if (!probes_manager(supervisor) || step->now_us < supervisor->next_probe_us)
    return;
  const gint64 waited_us = step->now_us - process_at(supervisor, WD_PROCESS_WORKER)->started_us;
  supervisor->next_probe_us = step->now_us + CLAMP(waited_us / 8, PROBE_FIRST_US, PROBE_LONGEST_US);
  wd_actions_probe_manager(step->actions);
}

static void
end_unwanted(WdStep *step, WdProcess *process)
{
  wd_process_end(step, process, WD_REASON_SETTINGS,
                 step->limits->forced_shutdown_delay_s * G_USEC_PER_SEC);
}

static void
spawned(WdSupervisor *supervisor, WdStep *step, WdProcess *process, const WdInput *input)
{
  wd_process_spawned(step, process, input->spawned.pid, input->spawned.start_ticks);
  if (process->role == WD_ROLE_WORKER) {
    supervisor->enforced_from_us =
        step->now_us + supervisor->limits.watchdog_delay_s * G_USEC_PER_SEC;
    supervisor->next_probe_us = step->now_us + PROBE_FIRST_US;
    supervisor->heard_us = step->now_us;
  }
  if (supervisor->stopping)
    wd_process_end(step, process, WD_REASON_REQUEST, stop_grace_us(step));
  else if (!process->wanted)
    end_unwanted(step, process);
  if (supervisor->stop_at_once)
    wd_process_kill_now(step, process);
}

/* --- gone --- */

/* Whether an extension's exit follows from the worker's going: the worker is being ended, or away,
 * or has been replaced so lately that the extension may not have noticed sooner. */
static gboolean
follows_worker(const WdSupervisor *supervisor, const WdProcess *process, gint64 now_us)
{
  const WdProcess *worker = process_at(supervisor, WD_PROCESS_WORKER);
  if (process->role != WD_ROLE_EXTENSION)
    return FALSE;
  if (wd_process_alive(worker) && worker->state != WD_STATE_RUNNING)
    return TRUE;
  /* When its start was asked for, a manager accepted: that one is gone. */
  if (!supervisor->manager_accepts)
    return TRUE;
  const gint64 notice_us =
      (supervisor->limits.extensions_interval_s + supervisor->limits.extensions_timeout_s) *
          G_USEC_PER_SEC +
      WORKER_GONE_SLACK_US;
  return supervisor->worker_gone_us != WD_NONE &&
         supervisor->worker_gone_us >= process->started_us &&
         now_us - supervisor->worker_gone_us <= notice_us;
}

/* The worker's latest going; while it is still being ended, what it is ended for. */
static guint64
worker_gone_cause(const WdSupervisor *supervisor)
{
  const WdProcess *worker = process_at(supervisor, WD_PROCESS_WORKER);
  const gboolean being_ended = wd_process_alive(worker) && worker->state != WD_STATE_RUNNING;
  return being_ended ? worker->ending.cause_seq : supervisor->worker_gone_seq;
}

/* Exits of extensions that came just before the worker's were its doing after all. */
static void
excuse_recent_exits(WdSupervisor *supervisor, const WdStep *step)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < supervisor->processes->len; i++) {
    WdProcess *extension = process_at(supervisor, i);
    if (extension->unprovoked_exit_us == WD_NONE ||
        step->now_us - extension->unprovoked_exit_us > EXIT_BEFORE_WORKER_US)
      continue;
    extension->respawn = extension->respawn_before_exit;
    if (extension->state == WD_STATE_WAITING || extension->state == WD_STATE_ABANDONED) {
      extension->state = WD_STATE_WAITING;
      extension->next_start_us = step->now_us;
    }
  }
}

static void
worker_gone(WdSupervisor *supervisor, WdStep *step, const WdProcess *worker)
{
  supervisor->manager_accepts = FALSE;
  supervisor->worker_gone_us = step->now_us;
  supervisor->worker_gone_seq = worker->gone_seq;
  g_hash_table_remove_all(supervisor->denylisted);
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < supervisor->processes->len; i++)
    wd_presence_lost(step, process_at(supervisor, i), WD_REASON_WORKER_GONE, worker->gone_seq);
  excuse_recent_exits(supervisor, step);
}

static void
abandon(WdSupervisor *supervisor, const WdStep *step, WdProcess *extension)
{
  /* Even with back-off switched off an abandoned extension isn't started in a tight loop. */
  const gint64 wait_s = MAX(supervisor->limits.max_delay_s, WD_CHECK_INTERVAL_S);
  extension->state = WD_STATE_ABANDONED;
  extension->next_start_us = step->now_us + wait_s * G_USEC_PER_SEC;
}

static void
give_up(WdSupervisor *supervisor, WdStep *step, WdProcess *process, WdReason reason)
{
  const gboolean only_this = process->role == WD_ROLE_EXTENSION &&
                             supervisor->limits.extension_give_up == WD_GIVE_UP_ABANDON;
  if (only_this)
    abandon(supervisor, step, process);
  else
    begin_stop(supervisor, step, reason, WD_EXIT_FAILED, process->last_seq);
}

/* Counts the workers in a row that failed at once, before they opened their manager's socket.
 * Returns: whether the command line must be broken. */
static gboolean
fails_at_once(WdSupervisor *supervisor, const WdStep *step, const WdProcess *worker,
              const WdExit *exit)
{
  const gboolean at_once = exit->code != WD_NONE && exit->code != 0 && supervisor->limits.manager &&
                           !supervisor->manager_accepts &&
                           step->now_us - worker->started_us < AT_ONCE_US;
  supervisor->failures_at_once = at_once ? supervisor->failures_at_once + 1 : 0;
  return supervisor->failures_at_once >= FAILURES_AT_ONCE_MAX;
}

/* What an exit of the worker that nobody asked for means for everything. */
typedef enum {
  WORKER_EXIT_ORDINARY,
  WORKER_EXIT_CATASTROPHIC,
  WORKER_EXIT_BROKEN_COMMAND_LINE,
} WorkerExit;

static WorkerExit
judge_worker_exit(WdSupervisor *supervisor, const WdStep *step, const WdProcess *process,
                  const WdExit *exit)
{
  if (process->role != WD_ROLE_WORKER || process->ending.sent != WD_SIGNALS_NONE ||
      supervisor->stopping)
    return WORKER_EXIT_ORDINARY;
  if (exit->code == WD_EXIT_CATASTROPHIC)
    return WORKER_EXIT_CATASTROPHIC;
  return fails_at_once(supervisor, step, process, exit) ? WORKER_EXIT_BROKEN_COMMAND_LINE
                                                        : WORKER_EXIT_ORDINARY;
}

static void
end_with_worker(WdSupervisor *supervisor, WdStep *step, WdProcess *worker, WorkerExit judgement)
{
  switch (judgement) {
  case WORKER_EXIT_ORDINARY:
    break;
  case WORKER_EXIT_CATASTROPHIC:
    wd_actions_log(step->actions, worker->index, g_strdup("Worker returned exit status"));
    begin_stop(supervisor, step, WD_REASON_EXIT, WD_EXIT_CATASTROPHIC, worker->gone_seq);
    break;
  case WORKER_EXIT_BROKEN_COMMAND_LINE: {
    WdEvent *event = wd_process_event(worker, WD_EVENT_RESPAWN_LIMIT_REACHED, WD_REASON_EXIT);
    event->exit_code = worker->last_exit_code;
    event->restarts = worker->starts - 1;
    event->cause_seq = worker->gone_seq;
    event->message = wd_broken_command_line_message(worker->path, worker->last_exit_code,
                                                    supervisor->failures_at_once);
    begin_stop(supervisor, step, WD_REASON_EXIT, WD_EXIT_FAILED,
               wd_process_record(step, worker, event, FALSE));
    break;
  }
  }
}

/* The core keeps the name of an extension that went until its next ping of it fails, and refuses
 * the name to a new one until then; ours waits for it by itself. */
static void
wait_for_name(const WdSupervisor *supervisor, const WdStep *step, WdProcess *process)
{
  const gint64 held_us =
      supervisor->limits.extensions_interval_s * G_USEC_PER_SEC + NAME_HELD_SLACK_US;
  if (process->role == WD_ROLE_EXTENSION && !process->indispensable && supervisor->manager_accepts)
    process->next_start_us = MAX(process->next_start_us, step->now_us + held_us);
}

static void
exited(WdSupervisor *supervisor, WdStep *step, WdProcess *process, const WdExit *exit)
{
  const gboolean follows = follows_worker(supervisor, process, step->now_us);
  const WorkerExit judgement = judge_worker_exit(supervisor, step, process, exit);
  if (judgement != WORKER_EXIT_ORDINARY)
    step->stopping = TRUE;
  const WdGone gone =
      wd_process_exited(step, process, exit, follows, follows ? worker_gone_cause(supervisor) : 0);
  if (process->role == WD_ROLE_WORKER)
    worker_gone(supervisor, step, process);
  end_with_worker(supervisor, step, process, judgement);
  if (gone == WD_GONE_GIVE_UP)
    give_up(supervisor, step, process, WD_REASON_EXIT);
  else if (!follows)
    wait_for_name(supervisor, step, process);
}

static void
spawn_failed(WdSupervisor *supervisor, WdStep *step, WdProcess *process, const char *error)
{
  const WdGone gone = wd_process_spawn_failed(step, process, error);
  if (gone == WD_GONE_GIVE_UP)
    give_up(supervisor, step, process, WD_REASON_SPAWN);
}

/* --- what the tables extension sees --- */

static gboolean
reports_come(const WdSupervisor *supervisor, gint64 now_us)
{
  const gint64 interval_us = MAX(supervisor->limits.extensions_interval_s, 1) * G_USEC_PER_SEC;
  return now_us - supervisor->heard_us <= REPORTS_MISSED * interval_us + REPORT_SLACK_US;
}

static void
reported(WdSupervisor *supervisor, WdStep *step, const WdObservation *report)
{
  const gboolean fresh = reports_come(supervisor, step->now_us);
  gboolean changed = !fresh;
  supervisor->heard_us = step->now_us;
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++) {
    WdProcess *process = process_at(supervisor, i);
    const WdPresence before = process->presence;
    if (process->role == WD_ROLE_WORKER)
      wd_presence_worker(process, report);
    else if (report->report.listed && wd_process_alive(process))
      wd_presence_extension(step, process, report, fresh);
    changed = changed || memcmp(&before, &process->presence, sizeof before) != 0;
  }
  if (changed)
    wd_actions_publish(step->actions);
}

static void
denylisted(WdSupervisor *supervisor, WdStep *step, WdProcess *worker,
           const WdObservation *observation)
{
  const char *name = observation->denylisted.name;
  if (g_hash_table_size(supervisor->denylisted) >= DENYLISTED_MAX ||
      !g_hash_table_add(supervisor->denylisted, g_strdup(name)))
    return;
  WdEvent *event = wd_process_event(worker, WD_EVENT_QUERY_DENYLISTED, WD_REASON_NONE);
  event->query_name = g_strdup(name);
  event->query = g_strdup(observation->denylisted.query);
  event->cause_seq = supervisor->worker_gone_seq;
  event->lifetime_ms = (step->now_us - worker->started_us) / G_TIME_SPAN_MILLISECOND;
  wd_process_record(step, worker, event, FALSE);
}

/* Of the present worker alone: a message about the one before may have been on its way. */
static void
observed(WdSupervisor *supervisor, WdStep *step, const WdObservation *observation)
{
  WdProcess *worker = process_at(supervisor, WD_PROCESS_WORKER);
  if (observation->worker_pid != worker->pid)
    return;
  switch (observation->kind) {
  case WD_OBSERVATION_REPORT:
    reported(supervisor, step, observation);
    break;
  case WD_OBSERVATION_DENYLISTED:
    denylisted(supervisor, step, worker, observation);
    break;
  }
}

/* --- stepping --- */

static void
tick(WdSupervisor *supervisor, WdStep *step, const WdSample *const *samples)
{
  if (!supervisor->started) {
    supervisor->started = TRUE;
    WdProcess *self = process_at(supervisor, WD_PROCESS_WATCHDOG);
    wd_process_record(step, self, wd_process_event(self, WD_EVENT_WATCHDOG_STARTED, WD_REASON_NONE),
                      FALSE);
  }
  check(supervisor, step, samples);
}

static void
stop(WdSupervisor *supervisor, WdStep *step)
{
  if (!supervisor->stop_requested) {
    supervisor->stop_requested = TRUE;
    begin_stop(supervisor, step, WD_REASON_REQUEST, WD_EXIT_STOPPED, 0);
    return;
  }
  supervisor->stop_at_once = TRUE;
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++)
    wd_process_kill_now(step, process_at(supervisor, i));
}

static void
stored(WdSupervisor *supervisor, WdStep *step, guint64 seq)
{
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++)
    wd_process_stored(step, process_at(supervisor, i), seq);
}

/* The worker reads its own flags when it starts, so what it was started with stays as it was. */
static void
change_settings(WdSupervisor *supervisor, WdStep *step, const WdInput *input)
{
  const WdLimits *limits = input->settings.limits;
  if (supervisor->enforced_from_us != WD_NONE)
    supervisor->enforced_from_us +=
        (limits->watchdog_delay_s - supervisor->limits.watchdog_delay_s) * G_USEC_PER_SEC;
  supervisor->limits = *limits;
  WdProcess *self = process_at(supervisor, WD_PROCESS_WATCHDOG);
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
  end_unwanted(step, extension);
}

static void
events_lost(WdSupervisor *supervisor, WdStep *step, guint64 lost)
{
  WdProcess *self = process_at(supervisor, WD_PROCESS_WATCHDOG);
  WdEvent *event = wd_process_event(self, WD_EVENT_EVENTS_LOST, WD_REASON_NONE);
  event->message = wd_events_lost_message(lost);
  event->details = g_strdup_printf("{\"events\":%" G_GUINT64_FORMAT "}", lost);
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
    spawned(supervisor, &step, process_at(supervisor, input->process), input);
    break;
  case WD_INPUT_SPAWN_FAILED:
    spawn_failed(supervisor, &step, process_at(supervisor, input->process), input->spawn_error);
    break;
  case WD_INPUT_EXITED:
    exited(supervisor, &step, process_at(supervisor, input->process), &input->exited);
    break;
  case WD_INPUT_STORED:
    stored(supervisor, &step, input->seq);
    break;
  case WD_INPUT_MANAGER_ACCEPTS:
    supervisor->manager_accepts =
        process_at(supervisor, WD_PROCESS_WORKER)->state == WD_STATE_RUNNING;
    break;
  case WD_INPUT_EVENTS_LOST:
    events_lost(supervisor, &step, input->lost);
    break;
  case WD_INPUT_SETTINGS:
    change_settings(supervisor, &step, input);
    break;
  case WD_INPUT_WANTED:
    change_wanted(&step, process_at(supervisor, input->process), input->wanted);
    break;
  case WD_INPUT_OBSERVATION:
    observed(supervisor, &step, input->observation);
    break;
  case WD_INPUT_STOP:
    stop(supervisor, &step);
    break;
  }

  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++)
    wd_process_advance(&step, process_at(supervisor, i));
  start_what_is_due(supervisor, &step);
  probe_manager(supervisor, &step);
  finish_stop(supervisor, &step);
  if (changes_state(actions, before))
    wd_actions_publish(actions);
}

gint64
wd_supervisor_deadline(const WdSupervisor *supervisor)
{
  if (supervisor->stopped)
    return G_MAXINT64;
  gint64 deadline = supervisor->next_check_us;
  if (probes_manager(supervisor))
    deadline = MIN(deadline, supervisor->next_probe_us);
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++) {
    const WdProcess *process = process_at(supervisor, i);
    if (may_start(supervisor, process))
      deadline = MIN(deadline, process->next_start_us);
    if (process->state == WD_STATE_TERMINATING || process->state == WD_STATE_KILLING)
      deadline = MIN(deadline, process->ending.next_us);
    const gint64 look_us = MAX(process->next_memory_look_us, supervisor->enforced_from_us);
    if (looks_at_memory(supervisor, process, look_us))
      deadline = MIN(deadline, look_us);
  }
  return deadline;
}

GPtrArray *
wd_supervisor_status(const WdSupervisor *supervisor, gint64 now_us, gint64 wall_offset_us)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func((GDestroyNotify)wd_process_status_free);
  const gboolean worker_alive = wd_process_alive(process_at(supervisor, WD_PROCESS_WORKER));
  for (guint i = 0; i < supervisor->processes->len; i++) {
    const WdProcess *process = process_at(supervisor, i);
    if (!process->wanted && at_rest(process) && !wd_process_alive(process))
      continue;
    WdProcessStatus *row = wd_process_status(process, &supervisor->limits, wall_offset_us);
    /* Due, but waiting for a spawn or for the worker's manager. */
    if (process->next_start_us <= now_us)
      row->next_start_time_s = WD_NONE;
    /* Without a worker nothing is registered. */
    wd_presence_show(process, !worker_alive || reports_come(supervisor, now_us), row);
    row->enforced = !supervisor->limits.dry_run && watched(supervisor, process, now_us);
    g_ptr_array_add(rows, row);
  }
  return rows;
}
