#include "watchdog/run/main-loop.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/base/source.h"
#include "watchdog/look/manager-socket.h"
#include "watchdog/record/log.h"
#include "watchdog/run/children.h"
#include "watchdog/run/service-manager.h"

typedef struct {
  WdMainLoopParts parts;
  GMainLoop *loop;
  WdDriver *driver;
  WdChildren *children;
  WdHandle *self;
  int signal_fd;
  gboolean ready; /* the worker has started */
  int exit_code;
} Loop;

/* --- actions --- */

/* The status is the latest event; we are ready once the worker has started. */
static void
tell_service_manager(Loop *loop, const WdEvent *event)
{
  if (event->kind == WD_EVENT_PROCESS_STARTED && event->role == WD_ROLE_WORKER)
    loop->ready = TRUE;
  /* It must be one line, but may quote text that a process chose. */
  g_autofree char *line = g_strdelimit(g_strdup(event->message), "\n", ' ');
  g_autofree char *state = g_strconcat(loop->ready ? "READY=1\n" : "", "STATUS=", line, NULL);
  wd_service_manager_notify(state);
}

static void
probe_manager(const Loop *loop)
{
  const WdChild *worker = wd_children_at(loop->children, WD_PROCESS_WORKER);
  if (worker->alive && wd_manager_socket_accepts(loop->parts.roster->socket, worker->spawn.pid))
    wd_driver_feed(loop->driver, &(WdInput){.kind = WD_INPUT_MANAGER_ACCEPTS});
}

static void
act(const WdAction *action, gpointer user_data)
{
  Loop *loop = user_data;
  switch (action->kind) {
  case WD_ACTION_SPAWN:
    wd_children_start(loop->children, action->process, loop->parts.record);
    break;
  case WD_ACTION_SIGNAL:
    wd_children_signal(loop->children, action->process, action->signo);
    break;
  case WD_ACTION_RECORD:
    wd_log_event(action->event);
    tell_service_manager(loop, action->event);
    break;
  case WD_ACTION_COUNT_FAULTS:
    wd_children_count_faults(loop->children, action->process);
    break;
  case WD_ACTION_LOG:
    wd_log(action->text);
    break;
  case WD_ACTION_PROBE_MANAGER:
    probe_manager(loop);
    break;
  case WD_ACTION_EXIT:
    loop->exit_code = action->exit_code;
    g_main_loop_quit(loop->loop);
    break;
  case WD_ACTION_REMEMBER_THREADS:
  case WD_ACTION_PUBLISH:
    break; /* the driver's */
  }
}

/* --- inputs --- */

static WdHandle *
handle_of(guint process, gpointer user_data)
{
  const Loop *loop = user_data;
  if (process == WD_PROCESS_WATCHDOG)
    return loop->self;
  const WdChild *child = wd_children_at(loop->children, process);
  return child->alive ? child->handle : NULL;
}

static void
recall(guint process, const WdEvent *event, WdWords *words, gpointer user_data)
{
  const Loop *loop = user_data;
  wd_children_recall(loop->children, process, event->pid, words);
}

static void
tick(gpointer user_data)
{
  const Loop *loop = user_data;
  wd_children_hear(loop->children);
  wd_children_look_for_oom(loop->children);
  wd_driver_tick(loop->driver, NULL);
  wd_run_record_complete(loop->parts.record);
}

/* One signal at a time, because while children keep dying there is always another. */
static gboolean
on_signal(int fd, GIOCondition condition, gpointer data)
{
  (void)condition;
  const Loop *loop = data;
  struct signalfd_siginfo info;
  if (read(fd, &info, sizeof info) != sizeof info)
    return G_SOURCE_CONTINUE;
  switch (info.ssi_signo) {
  case SIGCHLD:
    wd_children_reap(loop->children);
    break;
  case WD_FAULT_SIGNAL:
    wd_children_faulted(loop->children, info.ssi_fd);
    break;
  case SIGHUP:
    loop->parts.reload(loop->parts.reload_data, loop->driver);
    break;
  default:
    wd_service_manager_notify("STOPPING=1");
    wd_driver_feed(loop->driver, &(WdInput){.kind = WD_INPUT_STOP});
    break;
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
  sigaddset(set, WD_FAULT_SIGNAL);
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
  /* If our parent ignored it, we would not learn of our children's ends. */
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
  loop->self = wd_handle_open(getpid(), error);
  if (loop->self == NULL)
    return FALSE;
  wd_children_inherit_strays();
  const guint watchdog_ms = wd_service_manager_watchdog_ms();
  if (watchdog_ms > 0)
    g_timeout_add(watchdog_ms, on_service_watchdog, NULL);
  wd_fd_source_add(loop->signal_fd, G_IO_IN, on_signal, loop, NULL);
  return TRUE;
}

int
wd_main_loop_run(const WdMainLoopParts *parts, GError **error)
{
  Loop loop = {.parts = *parts, .signal_fd = -1, .exit_code = -1};
  loop.loop = g_main_loop_new(NULL, FALSE);
  /* Before the driver's timer, because GLib dispatches in this order. After a stall, what has ended
   * meanwhile is reaped before time that has passed leads to a SIGKILL. */
  const gboolean opened = open_sources(&loop, error);
  loop.driver = wd_driver_new(&(WdDriverParts){.machine = parts->roster->machine,
                                               .writer = parts->writer,
                                               .handle = handle_of,
                                               .hear = recall,
                                               .act = act,
                                               .tick = tick,
                                               .user_data = &loop});
  loop.children = wd_children_new(parts->roster->children, loop.driver, parts->orphans_are_ours);
  if (opened)
    g_main_loop_run(loop.loop);
  wd_children_end_strays(loop.children);
  wd_children_free(loop.children);
  wd_driver_free(loop.driver);
  if (loop.signal_fd >= 0)
    close(loop.signal_fd);
  wd_handle_free(loop.self);
  g_main_loop_unref(loop.loop);
  return loop.exit_code;
}
