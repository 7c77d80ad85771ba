#include "watchdog/run/children.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watchdog/base/source.h"
#include "watchdog/core/machine/descendants.h"
#include "watchdog/look/oom-kills.h"
#include "watchdog/look/process-tree.h"
#include "watchdog/record/log.h"

#define LAST_LOOKS_US (5 * G_TIME_SPAN_MILLISECOND)
#define REAPED_AT_ONCE 64

struct WdChildren {
  const GPtrArray *list; /* of WdChild */
  WdDriver *driver;
  gboolean orphans_are_ours;
  WdOomKills oom_kills;
  GArray *strays;      /* gint64: pids of what was left behind, signalled and not yet reaped */
  guint strays_source; /* the turn that looks for them; 0: none is due */
  gboolean more_dead;  /* than were reaped in this turn */
};

WdChild *
wd_children_at(const WdChildren *children, guint process)
{
  return g_ptr_array_index(children->list, process - WD_PROCESS_WORKER);
}

static guint
process_count(const WdChildren *children)
{
  return WD_PROCESS_WORKER + children->list->len;
}

/* The process with this pid among those that we started and haven't reaped; 0: none. */
static guint
process_of(const WdChildren *children, gint64 pid)
{
  for (guint i = WD_PROCESS_WORKER; i < process_count(children); i++) {
    const WdChild *child = wd_children_at(children, i);
    if (child->alive && child->spawn.pid == pid)
      return i;
  }
  return 0;
}

/* --- beginning --- */

/* What a source about one process is given; freed with the source. */
typedef struct {
  WdChildren *children;
  guint process;
} ProcessSource;

/* Whether the exec's outcome is known now. A failed exec is reported only once the child is reaped,
 * so that no exit follows it. */
static gboolean
exec_settled(WdChildren *children, guint process)
{
  WdChild *child = wd_children_at(children, process);
  if (child->spawn.control_fd < 0)
    return TRUE;
  if (!wd_child_poll_exec(child))
    return FALSE;
  if (child->exec_error == NULL)
    wd_driver_feed(children->driver,
                   &(WdInput){.kind = WD_INPUT_SPAWNED,
                              .process = process,
                              .file = child->file,
                              .spawned = {.pid = child->spawn.pid,
                                          .start_ticks = wd_handle_start_ticks(child->handle),
                                          .has_counter = child->faults.fd >= 0}});
  return TRUE;
}

static gboolean
on_exec_result(int fd, GIOCondition condition, gpointer data)
{
  (void)fd;
  (void)condition;
  const ProcessSource *source = data;
  if (!exec_settled(source->children, source->process))
    return G_SOURCE_CONTINUE;
  wd_children_at(source->children, source->process)->exec_source = 0;
  return G_SOURCE_REMOVE;
}

static void
feed_spawn_failed(WdChildren *children, guint process, const char *error)
{
  wd_driver_feed(children->driver, &(WdInput){.kind = WD_INPUT_SPAWN_FAILED,
                                              .process = process,
                                              .file = wd_children_at(children, process)->file,
                                              .spawn_error = error});
}

void
wd_children_start(WdChildren *children, guint process, WdRunRecord *record)
{
  g_autoptr(GError) error = NULL;
  WdChild *child = wd_children_at(children, process);
  if (!wd_child_start(child, record, process, &error)) {
    feed_spawn_failed(children, process, error->message);
    return;
  }
  ProcessSource *source = g_new(ProcessSource, 1);
  *source = (ProcessSource){.children = children, .process = process};
  child->exec_source = wd_fd_source_add(child->spawn.control_fd, G_IO_IN | G_IO_HUP | G_IO_ERR,
                                        on_exec_result, source, g_free);
}

/* --- reports --- */

/* A registration's socket may be served by a child of the process that we started, in its group. */
static void
find_managed(const WdChildren *children, WdReport *report)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++) {
    WdReportedExtension *extension = &report->registrations.extensions[i];
    const pid_t group = getpgid((pid_t)extension->pid);
    if (group > 0 && process_of(children, group) != 0)
      extension->pid = group;
  }
}

static void
on_report(WdReport *report, gpointer data)
{
  const WdChildren *children = data;
  if (report->kind == WD_REPORT_REGISTRATIONS)
    find_managed(children, report);
  wd_driver_feed(children->driver, &(WdInput){.kind = WD_INPUT_REPORT, .report = report});
}

void
wd_children_hear(WdChildren *children)
{
  for (guint i = WD_PROCESS_WORKER; i < process_count(children); i++)
    wd_channel_read(&wd_children_at(children, i)->channel, on_report, children);
}

/* --- output --- */

void
wd_children_recall(const WdChildren *children, guint process, gint64 pid, WdWords *words)
{
  const WdChild *child = wd_children_at(children, process);
  if (pid == WD_NONE || pid == child->spawn.pid)
    wd_child_recall(child, &words->said, &words->last_output);
}

/* --- signals --- */

/* Sends the signals in @kills (of WdKill). Returns: how many reached a process. */
static guint
carry_out(const GArray *kills)
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

void
wd_children_signal(const WdChildren *children, guint process, int signo)
{
  const WdChild *child = wd_children_at(children, process);
  g_autoptr(GArray) kills = wd_kills_new();
  if (!child->alive)
    return;
  wd_descendants_signal(child->spawn.pid, signo, kills);
  carry_out(kills);
}

/* --- page faults --- */

void
wd_children_count_faults(const WdChildren *children, guint process)
{
  wd_fault_counter_arm(&wd_children_at(children, process)->faults);
}

void
wd_children_faulted(const WdChildren *children, int signalled_fd)
{
  for (guint i = WD_PROCESS_WORKER; i < process_count(children); i++)
    if (wd_fault_counter_take(&wd_children_at(children, i)->faults, signalled_fd))
      wd_driver_feed(children->driver, &(WdInput){.kind = WD_INPUT_FAULTED, .process = i});
}

/* --- left behind --- */

void
wd_children_inherit_strays(void)
{
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    wd_logf("what a process leaves behind can't be inherited, and isn't ended: %s",
            g_strerror(errno));
}

/* Each stray is signalled once, and remembered until it is reaped. While a child ends, the list of
 * children may lack some, but then we are called again. Where the kernel doesn't list children,
 * this reads all of /proc, so it is for when a process is gone, not for every check. Returns: how
 * many strays were signalled. */
static guint
kill_strays(WdChildren *children)
{
  if (!children->orphans_are_ours)
    return 0;
  g_autoptr(GArray) all = wd_process_tree_children(getpid());
  g_autoptr(GArray) known = g_array_copy(children->strays);
  g_autoptr(GArray) kills = wd_kills_new();
  for (guint i = WD_PROCESS_WORKER; i < process_count(children); i++) {
    const gint64 pid = wd_children_at(children, i)->spawn.pid;
    if (wd_children_at(children, i)->alive)
      g_array_append_val(known, pid);
  }
  wd_descendants_strays(all, known, kills);
  for (guint i = 0; i < kills->len; i++)
    g_array_append_val(children->strays, g_array_index(kills, WdKill, i).target);
  return carry_out(kills);
}

static void
forget_stray(const WdChildren *children, gint64 pid)
{
  for (guint i = 0; i < children->strays->len; i++)
    if (g_array_index(children->strays, gint64, i) == pid) {
      g_array_remove_index_fast(children->strays, i);
      return;
    }
}

/* A process that left its group before its parent ended is our child now. */
static gboolean
on_strays(gpointer data)
{
  WdChildren *children = data;
  children->strays_source = 0;
  if (children->more_dead)
    wd_children_reap(children);
  const guint killed = kill_strays(children);
  if (killed > 0)
    wd_logf("ended %u processes that a child left behind", killed);
  return G_SOURCE_REMOVE;
}

/* The children of a stray become ours only once the stray is gone, so one look isn't enough. */
void
wd_children_end_strays(WdChildren *children)
{
  const gint64 deadline_us = g_get_monotonic_time() + WD_REAP_WAIT_US;
  for (;;) {
    kill_strays(children);
    if (children->strays->len == 0 || g_get_monotonic_time() >= deadline_us)
      return;
    g_usleep(LAST_LOOKS_US);
    wd_children_reap(children);
  }
}

/* --- gone --- */

void
wd_children_look_for_oom(WdChildren *children)
{
  wd_oom_kills_look(&children->oom_kills, g_get_monotonic_time());
}

static void
child_gone(WdChildren *children, guint process, const siginfo_t *info)
{
  WdChild *child = wd_children_at(children, process);
  g_autofree char *exec_error = g_steal_pointer(&child->exec_error);
  wd_child_reaped(child);
  if (exec_error != NULL) {
    feed_spawn_failed(children, process, exec_error);
    return;
  }
  const gboolean exited = info->si_code == CLD_EXITED;
  const gboolean killed = !exited && info->si_status == SIGKILL;
  const gboolean oom = killed && wd_oom_kills_recent(&children->oom_kills, g_get_monotonic_time());
  wd_driver_feed(children->driver,
                 &(WdInput){.kind = WD_INPUT_EXITED,
                            .process = process,
                            .exited = {.code = exited ? info->si_status : WD_NONE,
                                       .signal = exited ? WD_NONE : info->si_status,
                                       .oom = oom,
                                       .core_dumped = info->si_code == CLD_DUMPED}});
}

/* The last moment at which its pid and its group may be signalled (look/handle.h). So what is left
 * of its group is ended now, and a start that isn't reported yet is reported: the machine may
 * answer with a signal. */
static void
before_reaping(WdChildren *children, guint process, gint64 pid)
{
  g_autoptr(GArray) kills = wd_kills_new();
  wd_descendants_died(pid, process != 0, kills);
  carry_out(kills);
  if (process == 0)
    return;
  g_clear_handle_id(&wd_children_at(children, process)->exec_source, g_source_remove);
  exec_settled(children, process);
}

/* Reaps a child, perhaps a stray. Returns: FALSE when no other child is dead. */
static gboolean
reap_one(WdChildren *children)
{
  siginfo_t info = {0};
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
    return FALSE;
  const guint process = process_of(children, info.si_pid);
  before_reaping(children, process, info.si_pid);
  if (waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) < 0)
    return FALSE;
  if (process != 0)
    child_gone(children, process, &info);
  else
    forget_stray(children, info.si_pid);
  return TRUE;
}

/* Only a few at a time; what they left behind is ended in a turn of its own, at a priority at which
 * no source that is always ready can put it off. So checks and signals go on even while a child
 * leaves ever more behind. */
void
wd_children_reap(WdChildren *children)
{
  wd_children_hear(children); /* a report on a process comes before its exit */
  children->more_dead = TRUE;
  for (guint i = 0; i < REAPED_AT_ONCE && children->more_dead; i++)
    children->more_dead = reap_one(children);
  if (children->strays_source == 0)
    children->strays_source = g_idle_add_full(G_PRIORITY_DEFAULT, on_strays, children, NULL);
}

/* --- begin and end --- */

WdChildren *
wd_children_new(const GPtrArray *list, WdDriver *driver, gboolean orphans_are_ours)
{
  WdChildren *children = g_new0(WdChildren, 1);
  children->list = list;
  children->driver = driver;
  children->orphans_are_ours = orphans_are_ours;
  children->strays = g_array_new(FALSE, FALSE, sizeof(gint64));
  wd_oom_kills_init(&children->oom_kills);
  return children;
}

void
wd_children_free(WdChildren *children)
{
  if (children == NULL)
    return;
  g_clear_handle_id(&children->strays_source, g_source_remove);
  wd_oom_kills_clear(&children->oom_kills);
  g_array_unref(children->strays);
  g_free(children);
}
