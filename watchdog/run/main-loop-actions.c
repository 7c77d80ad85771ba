#include "watchdog/run/main-loop-private.h"

#include "watchdog/core/machine/descendants.h"
#include "watchdog/record/log.h"
#include "watchdog/look/manager-socket.h"
#include "watchdog/run/service-manager.h"

static void
spawn(WdLoop *loop, guint process)
{
  g_autoptr(GError) error = NULL;
  WdChild *child = wd_loop_child(loop, process);
  if (!wd_child_start(child, loop->parts.record, process, &error)) {
    wd_loop_feed_spawn_failed(loop, process, error->message);
    return;
  }
  wd_loop_await_exec(loop, process);
}

static void
send_signal(const WdLoop *loop, guint process, int signo)
{
  const WdChild *child = wd_loop_child(loop, process);
  g_autoptr(GArray) kills = wd_kills_new();
  if (!child->alive)
    return;
  wd_descendants_signal(child->spawn.pid, signo, kills);
  wd_loop_kill(kills);
}

static void
remember_threads(const WdLoop *loop, guint process)
{
  const WdChild *child = wd_loop_child(loop, process);
  if (child->alive)
    wd_handle_remember_threads(child->handle);
}

/* Ready once the worker runs; then always the latest event. */
static void
tell_service_manager(WdLoop *loop, const WdEvent *event)
{
  if (event->kind == WD_EVENT_PROCESS_STARTED && event->role == WD_ROLE_WORKER)
    loop->ready = TRUE;
  /* One line: what a process chose may be quoted in it. */
  g_autofree char *line = g_strdelimit(g_strdup(event->message), "\n", ' ');
  g_autofree char *state = g_strconcat(loop->ready ? "READY=1\n" : "", "STATUS=", line, NULL);
  wd_service_manager_notify(state);
}

static void
record(WdLoop *loop, WdAction *action)
{
  WdEvent *event = g_steal_pointer(&action->event);
  event->time_s = g_get_real_time() / G_USEC_PER_SEC;
  if (action->details && action->process != WD_PROCESS_WATCHDOG) {
    const WdChild *child = wd_loop_child(loop, action->process);
    event->details = child->alive ? wd_handle_details(child->handle) : NULL;
  }
  wd_log_event(event);
  tell_service_manager(loop, event);
  wd_writer_append(loop->parts.writer, event);
}

static gboolean
manager_accepts(const WdLoop *loop)
{
  const WdChild *worker = wd_loop_child(loop, WD_PROCESS_WORKER);
  return worker->alive && wd_manager_socket_accepts(loop->parts.manager_socket, worker->spawn.pid);
}

void
wd_loop_carry_out(WdLoop *loop, WdAction *action)
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
      wd_loop_feed(loop, &(WdInput){.kind = WD_INPUT_MANAGER_ACCEPTS});
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
