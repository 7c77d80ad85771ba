#include "watchdog/main-loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watchdog/errno-error.h"
#include "watchdog/fd-source.h"
#include "watchdog/log.h"
#include "watchdog/manager-socket.h"
#include "watchdog/oom-kills.h"
#include "watchdog/process-details.h"
#include "watchdog/service-manager.h"
#include "watchdog/strays.h"

typedef struct {
  WdMainLoopParts parts;
  GMainLoop *loop;
  GSource *timer;
  int signal_fd;
  WdProcReader self;
  WdOomKills oom_kills;
  GQueue
      inputs; /* of Pending: what came up while a step's actions were carried out waits its turn */
  gboolean feeding;
  gboolean ready; /* the service manager knows */
  int exit_code;
} Loop;

typedef struct {
  WdInput input;
  char *text; /* owned; what input.spawn_error points to */
} Pending;

static void
pending_free(Pending *pending)
{
  g_free(pending->text);
  g_free(pending);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pending, pending_free)

static WdChild *
child_at(const Loop *loop, guint process)
{
  return g_ptr_array_index(loop->parts.children, process - WD_PROCESS_WORKER);
}

static guint
process_count(const Loop *loop)
{
  return wd_supervisor_count(loop->parts.supervisor);
}

/* --- carrying out --- */

static void feed(Loop *loop, const WdInput *input);
static void feed_spawn_failed(Loop *loop, guint process, const char *error);
static gboolean on_exec_result(int fd, GIOCondition condition, gpointer data);

/* What a source about one process is given; freed with the source. */
typedef struct {
  Loop *loop;
  guint process;
} ProcessSource;

static guint process_of(const Loop *loop, pid_t pid);

/* Who serves a registration may be a child of the process that we started, in its group. */
static void
find_managed(const Loop *loop, WdObservation *report)
{
  for (guint i = 0; i < report->report.n_extensions; i++) {
    WdObservedExtension *extension = &report->report.extensions[i];
    const pid_t group = getpgid((pid_t)extension->pid);
    if (group > 0 && process_of(loop, group) != 0)
      extension->pid = group;
  }
}

static void
on_observation(WdObservation *observation, gpointer data)
{
  if (observation->kind == WD_OBSERVATION_REPORT)
    find_managed(data, observation);
  feed(data, &(WdInput){.kind = WD_INPUT_OBSERVATION, .observation = observation});
}

static void
read_channels(Loop *loop)
{
  for (guint i = WD_PROCESS_WORKER; i < process_count(loop); i++)
    wd_channel_read(&child_at(loop, i)->channel, on_observation, loop);
}

static void
spawn(Loop *loop, guint process)
{
  g_autoptr(GError) error = NULL;
  WdChild *child = child_at(loop, process);
  if (!wd_child_start(child, loop->parts.record, process, &error)) {
    feed_spawn_failed(loop, process, error->message);
    return;
  }
  ProcessSource *source = g_new(ProcessSource, 1);
  *source = (ProcessSource){.loop = loop, .process = process};
  child->exec_source = wd_fd_source_add(child->spawn.control_fd, G_IO_IN | G_IO_HUP | G_IO_ERR,
                                        on_exec_result, source, g_free);
}

/* The process isn't reaped yet, so its pid, and that of its group, are still its own. */
static void
send_signal(const Loop *loop, guint process, int signo)
{
  const WdChild *child = child_at(loop, process);
  if (!child->alive)
    return;
  if (signo == SIGKILL)
    (void)kill(-child->spawn.pid, SIGKILL);
  if (kill(child->spawn.pid, signo) < 0)
    wd_logf("signal %d to process %d: %s", signo, (int)child->spawn.pid, g_strerror(errno));
}

static void
remember_threads(const Loop *loop, guint process)
{
  WdChild *child = child_at(loop, process);
  g_clear_pointer(&child->threads, wd_threads_free);
  if (child->alive)
    child->threads = wd_process_threads_read(child->spawn.pid);
}

/* Ready once the worker runs; then always the latest event. */
static void
tell_service_manager(Loop *loop, const WdEvent *event)
{
  if (event->kind == WD_EVENT_PROCESS_STARTED && event->role == WD_ROLE_WORKER)
    loop->ready = TRUE;
  /* One line: what a process chose may be quoted in it. */
  g_autofree char *line = g_strdelimit(g_strdup(event->message), "\n", ' ');
  g_autofree char *state = g_strconcat(loop->ready ? "READY=1\n" : "", "STATUS=", line, NULL);
  wd_service_manager_notify(state);
}

static void
record(Loop *loop, WdAction *action)
{
  WdEvent *event = g_steal_pointer(&action->event);
  event->time_s = g_get_real_time() / G_USEC_PER_SEC;
  if (action->details && action->process != WD_PROCESS_WATCHDOG) {
    const WdChild *child = child_at(loop, action->process);
    event->details = wd_process_details_read(child->spawn.pid, child->threads);
  }
  wd_log_event(event);
  tell_service_manager(loop, event);
  wd_writer_append(loop->parts.writer, event);
}

static gboolean
manager_accepts(const Loop *loop)
{
  const WdChild *worker = child_at(loop, WD_PROCESS_WORKER);
  return worker->alive && wd_manager_socket_accepts(loop->parts.manager_socket, worker->spawn.pid);
}

static void
carry_out(Loop *loop, WdAction *action)
{
  switch (action->kind) {
  case WD_ACTION_SPAWN:
    spawn(loop, action->process);
    break;
  case WD_ACTION_SIGNAL:
    send_signal(loop, action->process, action->signo);
    break;
  case WD_ACTION_REMEMBER_THREADS:
    remember_threads(loop, action->process);
    break;
  case WD_ACTION_RECORD:
    record(loop, action);
    break;
  case WD_ACTION_LOG:
    wd_log(action->text);
    break;
  case WD_ACTION_PROBE_MANAGER:
    if (manager_accepts(loop))
      feed(loop, &(WdInput){.kind = WD_INPUT_MANAGER_ACCEPTS});
    break;
  case WD_ACTION_PUBLISH:
    wd_writer_publish(loop->parts.writer,
                      wd_supervisor_status(loop->parts.supervisor, g_get_monotonic_time(),
                                           g_get_real_time() - g_get_monotonic_time()));
    break;
  case WD_ACTION_EXIT:
    loop->exit_code = action->exit_code;
    g_main_loop_quit(loop->loop);
    break;
  }
}

/* --- feeding --- */

static void
step(Loop *loop, const WdInput *input)
{
  g_autoptr(GArray) actions = wd_actions_new();
  wd_supervisor_step(loop->parts.supervisor, input, g_get_monotonic_time(), actions);
  for (guint i = 0; i < actions->len; i++)
    carry_out(loop, &g_array_index(actions, WdAction, i));
}

/* One step at a time: the actions of a step are all carried out before the next input is looked at.
 */
static void
feed_pending(Loop *loop, Pending *first)
{
  g_queue_push_tail(&loop->inputs, first);
  if (loop->feeding)
    return;
  loop->feeding = TRUE;
  while (!g_queue_is_empty(&loop->inputs)) {
    g_autoptr(Pending) pending = g_queue_pop_head(&loop->inputs);
    step(loop, &pending->input);
  }
  loop->feeding = FALSE;
  wd_writer_wake(loop->parts.writer);
  const gint64 due_us = wd_supervisor_deadline(loop->parts.supervisor);
  g_source_set_ready_time(loop->timer, due_us == G_MAXINT64 ? -1 : due_us);
}

static void
feed(Loop *loop, const WdInput *input)
{
  Pending *pending = g_new0(Pending, 1);
  pending->input = *input;
  feed_pending(loop, pending);
}

static void
feed_spawn_failed(Loop *loop, guint process, const char *error)
{
  Pending *pending = g_new0(Pending, 1);
  pending->text = g_strdup(error);
  pending->input =
      (WdInput){.kind = WD_INPUT_SPAWN_FAILED, .process = process, .spawn_error = pending->text};
  feed_pending(loop, pending);
}

static gboolean
sample_process(const Loop *loop, guint process, WdSample *sample)
{
  const gboolean with_private =
      wd_supervisor_limits(loop->parts.supervisor)->memory_metric == WD_METRIC_PRIVATE;
  if (process == WD_PROCESS_WATCHDOG)
    return wd_proc_reader_sample(&loop->self, with_private, sample);
  const WdChild *child = child_at(loop, process);
  return child->alive && wd_proc_reader_sample(&child->reader, with_private, sample);
}

static void
tick(Loop *loop)
{
  const guint count = process_count(loop);
  read_channels(loop);
  const gint64 now_us = g_get_monotonic_time();
  wd_oom_kills_look(&loop->oom_kills, now_us);
  g_autofree WdSample *samples = g_new0(WdSample, count);
  g_autofree const WdSample **wanted = g_new0(const WdSample *, count);
  for (guint i = 0; i < count; i++)
    if (wd_supervisor_wants_sample(loop->parts.supervisor, i, now_us) &&
        sample_process(loop, i, &samples[i]))
      wanted[i] = &samples[i];
  feed(loop, &(WdInput){.kind = WD_INPUT_TICK, .samples = wanted});
}

static gboolean
on_timer(gpointer data)
{
  tick(data);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer(GSource *source, GSourceFunc callback, gpointer data)
{
  (void)source;
  return callback(data);
}

static GSourceFuncs TIMER_FUNCTIONS = {.dispatch = dispatch_timer};

static gboolean
on_stored(int fd, GIOCondition condition, gpointer data)
{
  (void)fd;
  (void)condition;
  Loop *loop = data;
  WdInput input = {.kind = WD_INPUT_STORED};
  guint64 lost;
  g_autoptr(WdRecovery) recovery = NULL;
  wd_writer_collect(loop->parts.writer, &input.seq, &lost, &recovery);
  feed(loop, &input);
  if (lost > 0)
    feed(loop, &(WdInput){.kind = WD_INPUT_EVENTS_LOST, .lost = lost});
  if (recovery != NULL)
    feed(loop, &(WdInput){.kind = WD_INPUT_HISTORY_RECOVERED, .recovery = recovery});
  return G_SOURCE_CONTINUE;
}

/* --- children --- */

/* Whether the exec's outcome is known now. A failed one isn't told before the child is reaped, so
 * that no exit follows it. */
static gboolean
exec_settled(Loop *loop, guint process)
{
  WdChild *child = child_at(loop, process);
  if (!child->exec_pending)
    return TRUE;
  if (!wd_child_poll_exec(child))
    return FALSE;
  if (child->exec_error == NULL)
    feed(loop, &(WdInput){.kind = WD_INPUT_SPAWNED,
                          .process = process,
                          .spawned = {.pid = child->spawn.pid, .start_ticks = child->start_ticks}});
  return TRUE;
}

static gboolean
on_exec_result(int fd, GIOCondition condition, gpointer data)
{
  (void)fd;
  (void)condition;
  const ProcessSource *source = data;
  if (!exec_settled(source->loop, source->process))
    return G_SOURCE_CONTINUE;
  child_at(source->loop, source->process)->exec_source = 0;
  return G_SOURCE_REMOVE;
}

static void
child_gone(Loop *loop, guint process, const siginfo_t *info)
{
  WdChild *child = child_at(loop, process);
  g_clear_handle_id(&child->exec_source, g_source_remove);
  exec_settled(loop, process);
  g_autofree char *exec_error = g_steal_pointer(&child->exec_error);
  wd_child_reaped(child);
  if (exec_error != NULL) {
    feed_spawn_failed(loop, process, exec_error);
    return;
  }
  const gboolean exited = info->si_code == CLD_EXITED;
  const gboolean killed = !exited && info->si_status == SIGKILL;
  feed(loop, &(WdInput){.kind = WD_INPUT_EXITED,
                        .process = process,
                        .exited = {.code = exited ? info->si_status : WD_NONE,
                                   .signal = exited ? WD_NONE : info->si_status,
                                   .oom = killed && wd_oom_kills_recent(&loop->oom_kills,
                                                                        g_get_monotonic_time())}});
}

static guint
process_of(const Loop *loop, pid_t pid)
{
  for (guint i = WD_PROCESS_WORKER; i < process_count(loop); i++)
    if (child_at(loop, i)->alive && child_at(loop, i)->spawn.pid == pid)
      return i;
  return 0;
}

static gboolean
is_child_of_record(gint64 pid, gpointer data)
{
  return process_of(data, (pid_t)pid) != 0;
}

/* What left its group before its parent went is ours now, and is ended when there is time. */
static void
on_strays(gpointer data)
{
  const guint killed = wd_strays_kill(is_child_of_record, data);
  if (killed > 0)
    wd_logf("ended %u processes that a child left behind", killed);
}

/* Looks before it reaps: until then the dead process's group can't be anyone else's, and what is
 * left of it is ended. Strays that a subreaper inherits are reaped too. */
static void
reap(Loop *loop)
{
  read_channels(loop); /* what was told of a process while it lived comes before its exit */
  for (;;) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
      break;
    const guint process = process_of(loop, info.si_pid);
    if (process != 0)
      (void)kill(-info.si_pid, SIGKILL);
    if (waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) < 0)
      break;
    if (process != 0)
      child_gone(loop, process, &info);
  }
  g_idle_add_once(on_strays, loop);
}

static void
feed_from_reload(gpointer data, const WdInput *input)
{
  feed(data, input);
}

static gboolean
on_signal(int fd, GIOCondition condition, gpointer data)
{
  (void)condition;
  Loop *loop = data;
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof info) == sizeof info) {
    switch (info.ssi_signo) {
    case SIGCHLD:
      reap(loop);
      break;
    case SIGHUP:
      loop->parts.reload(loop->parts.reload_data, feed_from_reload, loop);
      break;
    default:
      wd_service_manager_notify("STOPPING=1");
      feed(loop, &(WdInput){.kind = WD_INPUT_STOP});
      break;
    }
  }
  return G_SOURCE_CONTINUE;
}

/* --- running --- */

static void
taken_signals(sigset_t *set)
{
  sigemptyset(set);
  sigaddset(set, SIGCHLD);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGHUP);
}

gboolean
wd_main_loop_block_signals(GError **error)
{
  sigset_t set;
  struct sigaction action;
  taken_signals(&set);
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_IGN;
  gboolean done = sigprocmask(SIG_BLOCK, &set, NULL) == 0 && sigaction(SIGPIPE, &action, NULL) == 0;
  /* Who started us may have ignored it, and then children would go without a word. */
  action.sa_handler = SIG_DFL;
  done = done && sigaction(SIGCHLD, &action, NULL) == 0;
  return done || wd_errno_error(error, "signals");
}

static gboolean
on_service_watchdog(gpointer data)
{
  (void)data;
  wd_service_manager_notify("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

static gboolean
open_sources(Loop *loop, GError **error)
{
  sigset_t set;
  taken_signals(&set);
  loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (loop->signal_fd < 0)
    return wd_errno_error(error, "signalfd");
  if (!wd_proc_reader_open(&loop->self, getpid(), error) || !wd_strays_inherit(error))
    return FALSE;
  wd_oom_kills_init(&loop->oom_kills);
  const guint watchdog_ms = wd_service_manager_watchdog_ms();
  if (watchdog_ms > 0)
    g_timeout_add(watchdog_ms, on_service_watchdog, NULL);
  wd_fd_source_add(loop->signal_fd, G_IO_IN, on_signal, loop, NULL);
  wd_fd_source_add(wd_writer_fd(loop->parts.writer), G_IO_IN, on_stored, loop, NULL);
  loop->timer = g_source_new(&TIMER_FUNCTIONS, sizeof(GSource));
  g_source_set_callback(loop->timer, on_timer, loop, NULL);
  g_source_set_ready_time(loop->timer, 0);
  g_source_attach(loop->timer, NULL);
  return TRUE;
}

int
wd_main_loop_run(const WdMainLoopParts *parts, GError **error)
{
  Loop loop = {.parts = *parts, .signal_fd = -1, .self = WD_PROC_READER_NONE, .exit_code = -1};
  loop.loop = g_main_loop_new(NULL, FALSE);
  g_queue_init(&loop.inputs);
  if (open_sources(&loop, error))
    g_main_loop_run(loop.loop);
  on_strays(&loop);
  if (loop.timer != NULL) {
    g_source_destroy(loop.timer);
    g_source_unref(loop.timer);
  }
  if (loop.signal_fd >= 0)
    close(loop.signal_fd);
  wd_proc_reader_close(&loop.self);
  wd_oom_kills_clear(&loop.oom_kills);
  g_main_loop_unref(loop.loop);
  return loop.exit_code;
}
