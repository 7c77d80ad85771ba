#include "watchdog/run/main-loop-private.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/base/fd-source.h"
#include "watchdog/record/log.h"
#include "watchdog/run/service-manager.h"
#include "watchdog/base/timer.h"

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

/* --- feeding --- */

static void
step(WdLoop *loop, const WdInput *input)
{
  g_autoptr(GArray) actions = wd_actions_new();
  wd_supervisor_step(loop->parts.supervisor, input, g_get_monotonic_time(), actions);
  for (guint i = 0; i < actions->len; i++)
    wd_loop_carry_out(loop, &g_array_index(actions, WdAction, i));
}

/* One step at a time: the actions of a step are all carried out before the next input is looked at.
 */
static void
feed_pending(WdLoop *loop, Pending *first)
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

void
wd_loop_feed(WdLoop *loop, const WdInput *input)
{
  Pending *pending = g_new0(Pending, 1);
  pending->input = *input;
  feed_pending(loop, pending);
}

void
wd_loop_feed_spawn_failed(WdLoop *loop, guint process, const char *error)
{
  Pending *pending = g_new0(Pending, 1);
  pending->text = g_strdup(error);
  pending->input =
      (WdInput){.kind = WD_INPUT_SPAWN_FAILED, .process = process, .spawn_error = pending->text};
  feed_pending(loop, pending);
}

static gboolean
sample_process(const WdLoop *loop, guint process, WdSample *sample)
{
  const gboolean with_private =
      wd_supervisor_limits(loop->parts.supervisor)->memory_metric == WD_METRIC_PRIVATE;
  if (process == WD_PROCESS_WATCHDOG)
    return wd_handle_sample(loop->self, with_private, sample);
  const WdChild *child = wd_loop_child(loop, process);
  return child->alive && wd_handle_sample(child->handle, with_private, sample);
}

static void
tick(WdLoop *loop)
{
  const guint count = wd_loop_process_count(loop);
  wd_loop_hear(loop);
  const gint64 now_us = g_get_monotonic_time();
  wd_oom_kills_look(&loop->oom_kills, now_us);
  g_autofree WdSample *samples = g_new0(WdSample, count);
  g_autofree const WdSample **wanted = g_new0(const WdSample *, count);
  for (guint i = 0; i < count; i++)
    if (wd_supervisor_wants_sample(loop->parts.supervisor, i, now_us) &&
        sample_process(loop, i, &samples[i]))
      wanted[i] = &samples[i];
  wd_loop_feed(loop, &(WdInput){.kind = WD_INPUT_TICK, .samples = wanted});
}

static gboolean
on_timer(gpointer data)
{
  tick(data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_stored(int fd, GIOCondition condition, gpointer data)
{
  (void)fd;
  (void)condition;
  WdLoop *loop = data;
  WdInput input = {.kind = WD_INPUT_STORED};
  guint64 lost;
  g_autoptr(WdRecovery) recovery = NULL;
  wd_writer_collect(loop->parts.writer, &input.seq, &lost, &recovery);
  wd_loop_feed(loop, &input);
  if (lost > 0)
    wd_loop_feed(loop, &(WdInput){.kind = WD_INPUT_EVENTS_LOST, .lost = lost});
  if (recovery != NULL)
    wd_loop_feed(loop, &(WdInput){.kind = WD_INPUT_HISTORY_RECOVERED, .recovery = recovery});
  return G_SOURCE_CONTINUE;
}

static void
feed_from_reload(gpointer data, const WdInput *input)
{
  wd_loop_feed(data, input);
}

/* One at a time: while children go on dying there is always another. */
static gboolean
on_signal(int fd, GIOCondition condition, gpointer data)
{
  (void)condition;
  WdLoop *loop = data;
  struct signalfd_siginfo info;
  if (read(fd, &info, sizeof info) != sizeof info)
    return G_SOURCE_CONTINUE;
  switch (info.ssi_signo) {
  case SIGCHLD:
    wd_loop_reap(loop);
    break;
  case SIGHUP:
    loop->parts.reload(loop->parts.reload_data, feed_from_reload, loop);
    break;
  default:
    wd_service_manager_notify("STOPPING=1");
    wd_loop_feed(loop, &(WdInput){.kind = WD_INPUT_STOP});
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
open_sources(WdLoop *loop, GError **error)
{
  sigset_t set;
  taken_signals(&set);
  loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (loop->signal_fd < 0)
    return wd_errno_error(error, "signalfd");
  if ((loop->self = wd_handle_open(getpid(), error)) == NULL || !wd_loop_inherit_strays(error))
    return FALSE;
  wd_oom_kills_init(&loop->oom_kills);
  const guint watchdog_ms = wd_service_manager_watchdog_ms();
  if (watchdog_ms > 0)
    g_timeout_add(watchdog_ms, on_service_watchdog, NULL);
  wd_fd_source_add(loop->signal_fd, G_IO_IN, on_signal, loop, NULL);
  wd_fd_source_add(wd_writer_fd(loop->parts.writer), G_IO_IN, on_stored, loop, NULL);
  loop->timer = wd_timer_new(on_timer, loop);
  g_source_set_ready_time(loop->timer, 0);
  return TRUE;
}

int
wd_main_loop_run(const WdMainLoopParts *parts, GError **error)
{
  WdLoop loop = {.parts = *parts, .signal_fd = -1, .exit_code = -1};
  loop.loop = g_main_loop_new(NULL, FALSE);
  loop.strays = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_queue_init(&loop.inputs);
  if (open_sources(&loop, error))
    g_main_loop_run(loop.loop);
  wd_loop_end_strays(&loop);
  g_clear_handle_id(&loop.strays_source, g_source_remove);
  g_array_unref(loop.strays);
  wd_timer_free(loop.timer);
  if (loop.signal_fd >= 0)
    close(loop.signal_fd);
  wd_handle_free(loop.self);
  wd_oom_kills_clear(&loop.oom_kills);
  g_main_loop_unref(loop.loop);
  return loop.exit_code;
}
