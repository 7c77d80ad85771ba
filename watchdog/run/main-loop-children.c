#include "watchdog/run/main-loop-private.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/base/fd-source.h"
#include "watchdog/core/machine/descendants.h"
#include "watchdog/look/process-tree.h"
#include "watchdog/record/log.h"

#define LAST_LOOKS_US (5 * G_TIME_SPAN_MILLISECOND)
#define REAPED_AT_ONCE 64

guint
wd_loop_process_of(const WdLoop *loop, gint64 pid)
{
  for (guint i = WD_PROCESS_WORKER; i < wd_loop_process_count(loop); i++)
    if (wd_loop_child(loop, i)->alive && wd_loop_child(loop, i)->spawn.pid == pid)
      return i;
  return 0;
}

/* --- beginning --- */

/* What a source about one process is given; freed with the source. */
typedef struct {
  WdLoop *loop;
  guint process;
} ProcessSource;

/* Whether the exec's outcome is known now. A failed one isn't told before the child is reaped, so
 * that no exit follows it. */
static gboolean
exec_settled(WdLoop *loop, guint process)
{
  WdChild *child = wd_loop_child(loop, process);
  if (!child->exec_pending)
    return TRUE;
  if (!wd_child_poll_exec(child))
    return FALSE;
  if (child->exec_error == NULL)
    wd_loop_feed(loop,
                 &(WdInput){.kind = WD_INPUT_SPAWNED,
                            .process = process,
                            .spawned = {.pid = child->spawn.pid,
                                        .start_ticks = wd_handle_start_ticks(child->handle)}});
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
  wd_loop_child(source->loop, source->process)->exec_source = 0;
  return G_SOURCE_REMOVE;
}

void
wd_loop_await_exec(WdLoop *loop, guint process)
{
  WdChild *child = wd_loop_child(loop, process);
  ProcessSource *source = g_new(ProcessSource, 1);
  *source = (ProcessSource){.loop = loop, .process = process};
  child->exec_source = wd_fd_source_add(child->spawn.control_fd, G_IO_IN | G_IO_HUP | G_IO_ERR,
                                        on_exec_result, source, g_free);
}

/* --- what they tell --- */

/* Who serves a registration may be a child of the process that we started, in its group. */
static void
find_managed(const WdLoop *loop, WdReport *report)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++) {
    WdReportedExtension *extension = &report->registrations.extensions[i];
    const pid_t group = getpgid((pid_t)extension->pid);
    if (group > 0 && wd_loop_process_of(loop, group) != 0)
      extension->pid = group;
  }
}

static void
on_report(WdReport *report, gpointer data)
{
  if (report->kind == WD_REPORT_REGISTRATIONS)
    find_managed(data, report);
  wd_loop_feed(data, &(WdInput){.kind = WD_INPUT_REPORT, .report = report});
}

void
wd_loop_hear(WdLoop *loop)
{
  for (guint i = WD_PROCESS_WORKER; i < wd_loop_process_count(loop); i++)
    wd_channel_read(&wd_loop_child(loop, i)->channel, on_report, loop);
}

/* --- left behind --- */

gboolean
wd_loop_inherit_strays(GError **error)
{
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    return TRUE;
  return wd_errno_error(error, "subreaper");
}

guint
wd_loop_kill(const GArray *kills)
{
  guint reached = 0;
  for (guint i = 0; i < kills->len; i++) {
    const WdKill *due = &g_array_index(kills, WdKill, i);
    if (kill((pid_t)due->target, due->signo) == 0)
      reached++;
    else if (errno != ESRCH) /* a group may be empty */
      wd_logf("signal %d to process %d: %s", due->signo, (int)due->target, g_strerror(errno));
  }
  return reached;
}

/* Each is signalled once, and is a stray until it is reaped. The list of children may lack some
 * while one of them goes, but then we are called again. Reads all of /proc where the kernel doesn't
 * list them, so it is for when somebody has gone, not for every check.
 * Returns: how many there were that weren't known. */
static guint
kill_strays(WdLoop *loop)
{
  if (!loop->parts.orphans_are_ours)
    return 0;
  g_autoptr(GArray) children = wd_process_tree_children(getpid());
  g_autoptr(GArray) known = g_array_copy(loop->strays);
  g_autoptr(GArray) kills = wd_kills_new();
  for (guint i = WD_PROCESS_WORKER; i < wd_loop_process_count(loop); i++) {
    const gint64 pid = wd_loop_child(loop, i)->spawn.pid;
    if (wd_loop_child(loop, i)->alive)
      g_array_append_val(known, pid);
  }
  wd_descendants_strays(children, known, kills);
  for (guint i = 0; i < kills->len; i++)
    g_array_append_val(loop->strays, g_array_index(kills, WdKill, i).target);
  return wd_loop_kill(kills);
}

static void
forget_stray(const WdLoop *loop, gint64 pid)
{
  for (guint i = 0; i < loop->strays->len; i++)
    if (g_array_index(loop->strays, gint64, i) == pid) {
      g_array_remove_index_fast(loop->strays, i);
      return;
    }
}

/* What left its group before its parent went is ours now. */
static gboolean
on_strays(gpointer data)
{
  WdLoop *loop = data;
  loop->strays_source = 0;
  if (loop->more_dead)
    wd_loop_reap(loop);
  const guint killed = kill_strays(loop);
  if (killed > 0)
    wd_logf("ended %u processes that a child left behind", killed);
  return G_SOURCE_REMOVE;
}

/* What a stray started becomes ours only when the stray is gone, so once isn't enough. */
void
wd_loop_end_strays(WdLoop *loop)
{
  const gint64 deadline_us = g_get_monotonic_time() + WD_REAP_WAIT_US;
  for (;;) {
    kill_strays(loop);
    if (loop->strays->len == 0 || g_get_monotonic_time() >= deadline_us)
      return;
    g_usleep(LAST_LOOKS_US);
    wd_loop_reap(loop);
  }
}

/* --- gone --- */

static void
child_gone(WdLoop *loop, guint process, const siginfo_t *info)
{
  WdChild *child = wd_loop_child(loop, process);
  g_autofree char *exec_error = g_steal_pointer(&child->exec_error);
  wd_child_reaped(child);
  if (exec_error != NULL) {
    wd_loop_feed_spawn_failed(loop, process, exec_error);
    return;
  }
  const gboolean exited = info->si_code == CLD_EXITED;
  const gboolean killed = !exited && info->si_status == SIGKILL;
  wd_loop_feed(
      loop, &(WdInput){.kind = WD_INPUT_EXITED,
                       .process = process,
                       .exited = {.code = exited ? info->si_status : WD_NONE,
                                  .signal = exited ? WD_NONE : info->si_status,
                                  .oom = killed && wd_oom_kills_recent(&loop->oom_kills,
                                                                       g_get_monotonic_time())}});
}

/* Until it is reaped its pid, and its group's number, can't be anyone else's: so long there is time
 * to end what is left of the group, and for signals to a process whose start is only told now. */
static void
before_reaping(WdLoop *loop, guint process, gint64 pid)
{
  g_autoptr(GArray) kills = wd_kills_new();
  wd_descendants_died(pid, process != 0, kills);
  wd_loop_kill(kills);
  if (process == 0)
    return;
  g_clear_handle_id(&wd_loop_child(loop, process)->exec_source, g_source_remove);
  exec_settled(loop, process);
}

/* Strays that a subreaper inherits are reaped too. Returns: FALSE when nobody else is dead. */
static gboolean
reap_one(WdLoop *loop)
{
  siginfo_t info = {0};
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
    return FALSE;
  const guint process = wd_loop_process_of(loop, info.si_pid);
  before_reaping(loop, process, info.si_pid);
  if (waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) < 0)
    return FALSE;
  if (process != 0)
    child_gone(loop, process, &info);
  else
    forget_stray(loop, info.si_pid);
  return TRUE;
}

/* No more than a few at a time, and what they left behind in a turn of its own, which nothing that
 * is always ready can put off: checks and signals go on while a child leaves ever more behind. */
void
wd_loop_reap(WdLoop *loop)
{
  wd_loop_hear(loop); /* what was told of a process while it lived comes before its exit */
  loop->more_dead = TRUE;
  for (guint i = 0; i < REAPED_AT_ONCE && loop->more_dead; i++)
    loop->more_dead = reap_one(loop);
  if (loop->strays_source == 0)
    loop->strays_source = g_idle_add_full(G_PRIORITY_DEFAULT, on_strays, loop, NULL);
}
