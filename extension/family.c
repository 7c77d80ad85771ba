#include "extension/family.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/base/source.h"
#include "watchdog/look/proc-events.h"
#include "watchdog/look/process-tree.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"

/* osquery's watcher starts children when it begins, and after one has ended. So changes are looked
 * for often only for a while after the last one. */
#define SCAN_US (1 * G_TIME_SPAN_SECOND)
#define SETTLED_US (60 * G_TIME_SPAN_SECOND)
#define SETTLED_SCAN_US (30 * G_TIME_SPAN_SECOND)
/* What a child runs is looked at when it has begun. A script that only executes another program
 * has done so by then, even on a busy machine. */
#define BEGINS_US (100 * G_TIME_SPAN_MILLISECOND)
#define SCRIPT_SETTLES_US (1 * G_TIME_SPAN_SECOND)
#define OVERDUE_MS 1000
#define ENDED_AT_ONCE 16
#define AWAIT_STEP_US (10 * G_TIME_SPAN_MILLISECOND)

struct ExtFamily {
  gint64 watcher_pid;
  char watcher_name[WD_PROC_NAME_SIZE];
  char *watcher_path; /* NULL: not known */
  gint64 worker_pid;  /* 0: none is known to run */
  ExtFamilyNews news;
  gpointer user_data;
  GHashTable *handles; /* pid to WdHandle: of the watcher, and of its children that live */
  GHashTable *seen;    /* pid to start ticks (gint64 *): of its children that aren't reaped */
  int proc_events;     /* -1: not available */
  int ends;            /* an epoll of proc_events and pidfds: the main loop polls one descriptor */
  guint ends_source;
  guint overdue_source; /* waits for an exit event that is late; 0: none is */
  gboolean pidfds;      /* they signal all ends; FALSE: scans look for ends */
  gint64 next_scan_us;
  gint64 changed_us; /* when the last process was found, or gone */
};

/* osquery requires that name, too (osquery/core/init.cpp). */
static gboolean
is_osqueryd(const WdProcStat *stat)
{
  return strstr(stat->name, "osqueryd") != NULL;
}

/* osquery's watcher is the program that its worker is. osquery-watchdogd has osqueryd's name, too,
 * but is another program. */
static gboolean
may_run_the_same(gint64 pid, gint64 other_pid)
{
  g_autofree char *path = wd_procfs_executable(pid);
  g_autofree char *other_path = wd_procfs_executable(other_pid);
  return path == NULL || other_path == NULL || g_str_equal(path, other_path);
}

gint64
ext_family_find_watcher(gint64 pid, gboolean any_name)
{
  WdProcStat stat, child;
  if (!wd_procfs_read_stat(pid, &stat) || (!any_name && !is_osqueryd(&stat)))
    return 0;
  g_autoptr(GArray) children = wd_process_tree_children(pid);
  for (guint i = 0; i < children->len; i++) {
    const gint64 child_pid = g_array_index(children, gint64, i);
    if (wd_procfs_read_stat(child_pid, &child) && g_str_equal(child.name, stat.name) &&
        may_run_the_same(pid, child_pid))
      return pid;
  }
  return 0;
}

WdHandle *
ext_family_handle(const ExtFamily *family, gint64 pid)
{
  return g_hash_table_lookup(family->handles, &pid);
}

gint64
ext_family_worker(const ExtFamily *family)
{
  return family->worker_pid;
}

/* After a change, because another one may follow soon. */
static void
expect_changes(ExtFamily *family)
{
  family->changed_us = g_get_monotonic_time();
  family->next_scan_us = MIN(family->next_scan_us, family->changed_us + SCAN_US);
}

/* --- ends --- */

static void
report_gone(ExtFamily *family, gint64 pid, const WdExit *how)
{
  g_hash_table_remove(family->handles, &pid);
  if (pid == family->worker_pid)
    family->worker_pid = 0;
  expect_changes(family);
  family->news.gone(pid, how, family->user_data);
}

static gboolean appeared(ExtFamily *family, gint64 pid, gboolean evident);

/* Reports the ends of which the kernel has sent an exit event. */
static void
read_exits(ExtFamily *family)
{
  gint64 pid;
  WdExit how;
  while (family->proc_events >= 0 && wd_proc_events_next(family->proc_events, &pid, &how)) {
    if (ext_family_handle(family, pid) == NULL)
      appeared(family, pid, TRUE);
    report_gone(family, pid, &how);
  }
}

/* Returns: the pids of those whose end is not reported yet. The watcher comes last, because nothing
 * is recorded after its end. */
static GArray *
ended_of(const ExtFamily *family)
{
  GArray *ended = g_array_new(FALSE, FALSE, sizeof(gint64));
  GHashTableIter iter;
  gpointer pid, handle;
  g_hash_table_iter_init(&iter, family->handles);
  while (g_hash_table_iter_next(&iter, &pid, &handle)) {
    const guint at = *(const gint64 *)pid == family->watcher_pid ? ended->len : 0;
    if (!wd_handle_lives(handle))
      g_array_insert_vals(ended, at, pid, 1);
  }
  return ended;
}

void
ext_family_report_ends(ExtFamily *family)
{
  read_exits(family);
  g_autoptr(GArray) ended = ended_of(family);
  for (guint i = 0; i < ended->len; i++)
    report_gone(family, g_array_index(ended, gint64, i), &WD_EXIT_UNKNOWN);
}

static gboolean
is_awaited(const ExtFamily *family, gint64 pid, const WdHandle *handle)
{
  return pid != family->watcher_pid && pid != getpid() &&
         (family->proc_events >= 0 || wd_handle_lives(handle));
}

/* Whether a child but us lives, or its exit event hasn't come. */
static gboolean
others_remain(const ExtFamily *family)
{
  GHashTableIter iter;
  gpointer pid, handle;
  g_hash_table_iter_init(&iter, family->handles);
  while (g_hash_table_iter_next(&iter, &pid, &handle))
    if (is_awaited(family, *(const gint64 *)pid, handle))
      return TRUE;
  return FALSE;
}

void
ext_family_await_ends(ExtFamily *family, gint64 until_us)
{
  read_exits(family);
  while (others_remain(family) && g_get_monotonic_time() < until_us) {
    g_usleep(AWAIT_STEP_US);
    read_exits(family);
  }
  ext_family_report_ends(family);
}

static gboolean
on_overdue(gpointer data)
{
  ExtFamily *family = data;
  family->overdue_source = 0;
  ext_family_report_ends(family);
  family->news.done(family->user_data);
  return G_SOURCE_REMOVE;
}

/* The kernel sends the exit event only after the process looks gone (kernel/exit.c, do_exit). */
void
ext_family_missed(ExtFamily *family, gint64 pid)
{
  read_exits(family);
  if (ext_family_handle(family, pid) == NULL)
    return;
  if (family->proc_events < 0)
    report_gone(family, pid, &WD_EXIT_UNKNOWN);
  else if (family->overdue_source == 0)
    family->overdue_source = g_timeout_add(OVERDUE_MS, on_overdue, family);
}

static gboolean
on_ends(gint fd, GIOCondition condition, gpointer data)
{
  (void)condition;
  ExtFamily *family = data;
  struct epoll_event ended[ENDED_AT_ONCE];
  const int n = epoll_wait(fd, ended, ENDED_AT_ONCE, 0);
  read_exits(family);
  for (int i = 0; i < n; i++)
    if (ended[i].data.u64 != 0)
      ext_family_missed(family, (gint64)ended[i].data.u64);
  family->news.done(family->user_data);
  return G_SOURCE_CONTINUE;
}

/* Watches the end of @pid. One event is enough, because a pidfd stays readable. Returns: FALSE when
 * there is no pidfd. */
static gboolean
watch_end(const ExtFamily *family, const WdHandle *handle, gint64 pid)
{
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = (guint64)pid};
  return epoll_ctl(family->ends, EPOLL_CTL_ADD, wd_handle_pidfd(handle), &event) == 0;
}

/* Without pidfds. */
static void
look_for_ends(ExtFamily *family)
{
  g_autoptr(GArray) ended = ended_of(family);
  for (guint i = 0; i < ended->len; i++)
    ext_family_missed(family, g_array_index(ended, gint64, i));
}

/* --- beginnings --- */

static void
report_found(ExtFamily *family, gint64 pid, const WdProcStat *stat, gboolean worker,
             const char *program, gboolean ended)
{
  g_autofree char *file = program != NULL ? g_path_get_basename(program) : NULL;
  const WdFound found = {
      .role = worker ? WD_ROLE_WORKER : WD_ROLE_EXTENSION,
      .name = worker         ? "worker"
              : file != NULL ? file
                             : stat->name,
      .path = program,
      .pid = pid,
      .start_ticks = stat->start_ticks,
      .started_us = wd_procfs_started_us(stat),
      .ended = ended,
  };
  if (worker)
    family->worker_pid = pid;
  expect_changes(family);
  family->news.found(&found, family->user_data);
}

static gboolean
was_seen(const ExtFamily *family, gint64 pid, gint64 start_ticks)
{
  const gint64 *seen = g_hash_table_lookup(family->seen, &pid);
  return seen != NULL && *seen == start_ticks;
}

/* Reports @pid, if it is a child that is not known yet.
 * @evident: it can't be too early, because @pid serves a socket, or is ending, which makes this the
 * last chance. Returns: FALSE when it is too early to say which child it is. */
static gboolean
appeared(ExtFamily *family, gint64 pid, gboolean evident)
{
  WdProcStat stat;
  if (!wd_procfs_read_stat(pid, &stat) || stat.ppid != family->watcher_pid ||
      was_seen(family, pid, stat.start_ticks))
    return TRUE;
  /* Until its exec nothing shows which child it is. If it dies before, its program could not be
   * executed, and nothing will ever show that. */
  if (stat.forked_only)
    return stat.state == 'Z';
  const gint64 age_us = g_get_monotonic_time() - wd_procfs_started_us(&stat);
  if (!evident && age_us < BEGINS_US)
    return FALSE;
  const gboolean like_watcher = g_str_equal(stat.name, family->watcher_name);
  /* A second child like the watcher isn't the worker, unless the worker is dead and its end is
   * still to be reported. */
  if (like_watcher && family->worker_pid != 0)
    return wd_handle_lives(ext_family_handle(family, family->worker_pid));
  g_autoptr(WdHandle) handle = wd_handle_open_known(pid, stat.start_ticks);
  if (handle == NULL && !evident)
    return TRUE;
  g_autofree char *program = wd_procfs_program(pid, stat.name);
  const gboolean lives = handle != NULL && wd_handle_lives(handle);
  if (!evident && !like_watcher && program == NULL && lives && age_us < SCRIPT_SETTLES_US)
    return FALSE;
  if (handle != NULL && !watch_end(family, handle, pid))
    family->pidfds = FALSE;
  report_found(family, pid, &stat, like_watcher, program, program == NULL && !lives);
  g_hash_table_replace(family->seen, g_memdup2(&pid, sizeof pid),
                       g_memdup2(&stat.start_ticks, sizeof stat.start_ticks));
  if (handle != NULL)
    g_hash_table_replace(family->handles, g_memdup2(&pid, sizeof pid), g_steal_pointer(&handle));
  return TRUE;
}

gboolean
ext_family_is_worker(ExtFamily *family, gint64 manager_pid)
{
  if (manager_pid == family->worker_pid)
    return TRUE;
  read_exits(family);
  (void)appeared(family, manager_pid, TRUE);
  /* It ended meanwhile. Nothing else may ever report that, because there is no handle. */
  if (manager_pid == family->worker_pid && ext_family_handle(family, manager_pid) == NULL)
    report_gone(family, manager_pid, &WD_EXIT_UNKNOWN);
  return manager_pid == family->worker_pid;
}

static gboolean
is_reaped(gpointer pid, gpointer start_ticks, gpointer children)
{
  (void)start_ticks;
  const GArray *pids = children;
  for (guint i = 0; i < pids->len; i++)
    if (g_array_index(pids, gint64, i) == *(const gint64 *)pid)
      return FALSE;
  return TRUE;
}

void
ext_family_scan(ExtFamily *family)
{
  const gint64 now_us = g_get_monotonic_time();
  if (now_us < family->next_scan_us)
    return;
  const gboolean by_scans = !family->pidfds;
  if (by_scans)
    look_for_ends(family);
  g_autoptr(GArray) children = wd_process_tree_children(family->watcher_pid);
  gboolean all = TRUE; /* FALSE: one has just been started */
  for (guint i = 0; i < children->len; i++) {
    const gint64 pid = g_array_index(children, gint64, i);
    if (ext_family_handle(family, pid) == NULL)
      all = appeared(family, pid, FALSE) && all;
  }
  g_hash_table_foreach_remove(family->seen, is_reaped, children);
  const gboolean settled =
      !by_scans && family->worker_pid != 0 && now_us - family->changed_us >= SETTLED_US;
  family->next_scan_us = now_us + (!all ? BEGINS_US : settled ? SETTLED_SCAN_US : SCAN_US);
}

gint64
ext_family_next_scan_us(const ExtFamily *family)
{
  return family->next_scan_us;
}

/* --- begin and end --- */

static gboolean
watch_exits(ExtFamily *family, GError **error)
{
  g_autoptr(GError) refused = NULL;
  struct epoll_event event = {.events = EPOLLIN};
  family->ends = epoll_create1(EPOLL_CLOEXEC);
  if (family->ends < 0)
    return wd_errno_error(error, "epoll");
  family->ends_source = wd_fd_source_add(family->ends, G_IO_IN, on_ends, family, NULL);
  family->proc_events = wd_proc_events_open(family->watcher_pid, &refused);
  if (family->proc_events < 0)
    wd_logf("osquery-watchdog.ext: how processes end can't be seen: %s", refused->message);
  else if (epoll_ctl(family->ends, EPOLL_CTL_ADD, family->proc_events, &event) < 0)
    return wd_errno_error(error, "epoll");
  family->pidfds =
      watch_end(family, ext_family_handle(family, family->watcher_pid), family->watcher_pid);
  if (!family->pidfds)
    wd_log("osquery-watchdog.ext: this kernel has no pidfds: ends are seen up to a second late");
  return TRUE;
}

ExtFamily *
ext_family_new(gint64 watcher_pid, const ExtFamilyNews *news, gpointer user_data, WdFound *watcher,
               GError **error)
{
  g_autoptr(ExtFamily) family = g_new0(ExtFamily, 1);
  WdProcStat stat;
  WdHandle *handle = NULL;
  family->watcher_pid = watcher_pid;
  family->proc_events = family->ends = -1;
  family->changed_us = g_get_monotonic_time();
  family->news = *news;
  family->user_data = user_data;
  family->handles =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)wd_handle_free);
  family->seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  if (wd_procfs_read_stat(watcher_pid, &stat))
    handle = wd_handle_open_known(watcher_pid, stat.start_ticks);
  if (handle == NULL) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "process %" G_GINT64_FORMAT " is gone",
                watcher_pid);
    return NULL;
  }
  g_hash_table_insert(family->handles, g_memdup2(&watcher_pid, sizeof watcher_pid), handle);
  g_strlcpy(family->watcher_name, stat.name, sizeof family->watcher_name);
  family->watcher_path = wd_procfs_program(watcher_pid, stat.name);
  *watcher = (WdFound){
      .role = WD_ROLE_WATCHDOG,
      .name = "watchdog",
      .path = family->watcher_path,
      .pid = watcher_pid,
      .start_ticks = stat.start_ticks,
      .started_us = wd_procfs_started_us(&stat),
  };
  return watch_exits(family, error) ? g_steal_pointer(&family) : NULL;
}

void
ext_family_free(ExtFamily *family)
{
  if (family == NULL)
    return;
  g_clear_handle_id(&family->overdue_source, g_source_remove);
  g_clear_handle_id(&family->ends_source, g_source_remove);
  if (family->proc_events >= 0)
    wd_proc_events_close(family->proc_events);
  if (family->ends >= 0)
    close(family->ends);
  g_hash_table_unref(family->handles);
  g_hash_table_unref(family->seen);
  g_free(family->watcher_path);
  g_free(family);
}
