#include "watchdog/core/machine/supervisor-private.h"

#include "watchdog/core/event/message.h"

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

/* A ping that fails, and a busy machine. */
#define NAME_HELD_SLACK_US (500 * G_TIME_SPAN_MILLISECOND)

/* Whether an extension's exit follows from the worker's going: the worker is being ended, or away,
 * or has been replaced so lately that the extension may not have noticed sooner. */
static gboolean
follows_worker(const WdSupervisor *supervisor, const WdProcess *process, gint64 now_us)
{
  const WdProcess *worker = wd_supervisor_process(supervisor, WD_PROCESS_WORKER);
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
  const WdProcess *worker = wd_supervisor_process(supervisor, WD_PROCESS_WORKER);
  const gboolean being_ended = wd_process_alive(worker) && worker->state != WD_STATE_RUNNING;
  return being_ended ? worker->ending.cause_seq : worker->gone_seq;
}

/* Exits of extensions that came just before the worker's were its doing after all. */
static void
excuse_recent_exits(WdSupervisor *supervisor, const WdStep *step)
{
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < supervisor->processes->len; i++) {
    WdProcess *extension = wd_supervisor_process(supervisor, i);
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
worker_gone(WdSupervisor *supervisor, WdStep *step)
{
  supervisor->manager_accepts = FALSE;
  supervisor->worker_gone_us = step->now_us;
  wd_reports_end(&supervisor->reports, step, supervisor->processes);
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
    wd_supervisor_begin_stop(supervisor, step, reason, WD_EXIT_FAILED, process->last_seq);
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
    wd_supervisor_begin_stop(supervisor, step, WD_REASON_EXIT, WD_EXIT_CATASTROPHIC,
                             worker->gone_seq);
    break;
  case WORKER_EXIT_BROKEN_COMMAND_LINE: {
    WdEvent *event = wd_process_event(worker, WD_EVENT_RESPAWN_LIMIT_REACHED, WD_REASON_EXIT);
    event->exit_code = worker->last_exit_code;
    event->restarts = worker->starts - 1;
    event->cause_seq = worker->gone_seq;
    event->message = wd_broken_command_line_message(worker->path, worker->last_exit_code,
                                                    supervisor->failures_at_once);
    wd_supervisor_begin_stop(supervisor, step, WD_REASON_EXIT, WD_EXIT_FAILED,
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

void
wd_supervisor_exited(WdSupervisor *supervisor, WdStep *step, WdProcess *process, const WdExit *exit)
{
  const gboolean follows = follows_worker(supervisor, process, step->now_us);
  const WorkerExit judgement = judge_worker_exit(supervisor, step, process, exit);
  if (judgement != WORKER_EXIT_ORDINARY)
    step->stopping = TRUE;
  const WdGone gone =
      wd_process_exited(step, process, exit, follows, follows ? worker_gone_cause(supervisor) : 0);
  if (process->role == WD_ROLE_WORKER)
    worker_gone(supervisor, step);
  end_with_worker(supervisor, step, process, judgement);
  if (gone == WD_GONE_GIVE_UP)
    give_up(supervisor, step, process, WD_REASON_EXIT);
  else if (!follows)
    wait_for_name(supervisor, step, process);
}

void
wd_supervisor_spawn_failed(WdSupervisor *supervisor, WdStep *step, WdProcess *process,
                           const char *error)
{
  const WdGone gone = wd_process_spawn_failed(step, process, error);
  if (gone == WD_GONE_GIVE_UP)
    give_up(supervisor, step, process, WD_REASON_SPAWN);
}
