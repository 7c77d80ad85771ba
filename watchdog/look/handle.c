#include "watchdog/look/handle.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/core/kernel/details.h"
#include "watchdog/look/procfs.h"

/* The details may delay the first signal twice this long, for the threads and for the descriptors.
 * It is our CPU time, because details matter most on a machine so busy that we wait, too. */
#define BUDGET_US (5 * G_TIME_SPAN_MILLISECOND)

struct WdHandle {
  gint64 pid;
  gint64 start_ticks;
  int stat_fd;
  int pidfd;          /* -1: none */
  WdThreads *threads; /* as last remembered; NULL: never */
};

static WdHandle *
open_handle(gint64 pid, gboolean with_pidfd, GError **error)
{
  WdProcStat stat;
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
  const int stat_fd = open(path, O_RDONLY | O_CLOEXEC);
  if (stat_fd < 0) {
    wd_errno_error(error, path);
    return NULL;
  }
  g_autoptr(WdHandle) handle = g_new0(WdHandle, 1);
  handle->pid = pid;
  handle->stat_fd = stat_fd;
  handle->pidfd = with_pidfd ? pidfd_open((pid_t)pid, 0) : -1;
  if (!wd_procfs_read_open_stat(stat_fd, &stat)) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "process %" G_GINT64_FORMAT " is gone",
                pid);
    return NULL;
  }
  handle->start_ticks = stat.start_ticks;
  return g_steal_pointer(&handle);
}

WdHandle *
wd_handle_open(gint64 pid, GError **error)
{
  return open_handle(pid, FALSE, error);
}

WdHandle *
wd_handle_open_known(gint64 pid, gint64 start_ticks)
{
  g_autoptr(WdHandle) handle = open_handle(pid, TRUE, NULL);
  return handle != NULL && handle->start_ticks == start_ticks ? g_steal_pointer(&handle) : NULL;
}

void
wd_handle_free(WdHandle *handle)
{
  if (handle == NULL)
    return;
  if (handle->pidfd >= 0)
    close(handle->pidfd);
  close(handle->stat_fd);
  wd_threads_free(handle->threads);
  g_free(handle);
}

gint64
wd_handle_pid(const WdHandle *handle)
{
  return handle->pid;
}

gint64
wd_handle_start_ticks(const WdHandle *handle)
{
  return handle->start_ticks;
}

int
wd_handle_pidfd(const WdHandle *handle)
{
  return handle->pidfd;
}

/* A process whose first thread has exited looks like a zombie while others still run. */
static gboolean
is_dead(const WdProcStat *stat)
{
  return (stat->state == 'Z' || stat->state == 'X') && stat->threads <= 1;
}

/* A file that can't be read proves little, so a pidfd decides where there is one. */
gboolean
wd_handle_lives(const WdHandle *handle)
{
  WdProcStat stat;
  struct pollfd ended = {.fd = handle->pidfd, .events = POLLIN};
  if (handle->pidfd < 0)
    return wd_procfs_read_open_stat(handle->stat_fd, &stat) && !is_dead(&stat);
  return poll(&ended, 1, 0) != 1;
}

/* RssAnon + VmSwap. */
static gint64
read_private_bytes(const WdHandle *handle)
{
  WdProcMemory memory;
  WdProcStat stat;
  if (!wd_procfs_read_memory(handle->pid, &memory) ||
      !wd_procfs_read_open_stat(handle->stat_fd, &stat) || memory.anon_bytes == WD_NONE)
    return WD_NONE;
  return memory.anon_bytes + (memory.swap_bytes == WD_NONE ? 0 : memory.swap_bytes);
}

gboolean
wd_handle_sample(const WdHandle *handle, gboolean with_private, WdSample *sample)
{
  WdProcStat stat;
  if (!wd_procfs_read_open_stat(handle->stat_fd, &stat) || (handle->pidfd < 0 && is_dead(&stat)))
    return FALSE;
  *sample = (WdSample){
      .user_ms = wd_procfs_ticks_to_ms(stat.user_ticks),
      .system_ms = wd_procfs_ticks_to_ms(stat.system_ticks),
      .resident_bytes = stat.resident_pages * sysconf(_SC_PAGESIZE),
      .private_bytes = with_private ? read_private_bytes(handle) : WD_NONE,
      .threads = stat.threads,
      .ppid = stat.ppid,
  };
  return TRUE;
}

/* --- what it is doing --- */

/* 0 when there is no such clock; then the budget has no end. */
static gint64
used_us(void)
{
  struct timespec used = {0};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return (gint64)used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

static GDir *
open_process_directory(gint64 pid, const char *name)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/%s", pid, name);
  return g_dir_open(path, 0, NULL);
}

static gboolean
read_thread(gint64 pid, const char *tid, WdThreadUse *thread)
{
  WdProcStat stat;
  if (!wd_procfs_read_thread_stat(pid, tid, &stat))
    return FALSE;
  /* A tick is too coarse to tell which of several threads has begun to work. */
  const gint64 cpu_ms = wd_procfs_thread_cpu_ms(pid, stat.pid);
  *thread = (WdThreadUse){
      .tid = stat.pid,
      .start_ticks = stat.start_ticks,
      .cpu_ms =
          cpu_ms != WD_NONE ? cpu_ms : wd_procfs_ticks_to_ms(stat.user_ticks + stat.system_ticks),
  };
  g_strlcpy(thread->name, stat.name, sizeof thread->name);
  return TRUE;
}

static WdThreads *
read_threads(gint64 pid)
{
  const gint64 began_us = used_us();
  WdThreads *threads = wd_threads_new(g_get_monotonic_time());
  g_autoptr(GDir) tasks = open_process_directory(pid, "task");
  if (tasks == NULL)
    return threads;
  for (const char *tid = g_dir_read_name(tasks); tid != NULL; tid = g_dir_read_name(tasks)) {
    WdThreadUse thread;
    if (used_us() - began_us > BUDGET_US) {
      threads->partial = TRUE;
      break;
    }
    if (read_thread(pid, tid, &thread))
      g_array_append_val(threads->threads, thread);
  }
  return threads;
}

/* WD_NONE when we may not look, or there are too many to count in time. */
static gint64
count_descriptors(gint64 pid)
{
  const gint64 began_us = used_us();
  gint64 count = 0;
  g_autoptr(GDir) descriptors = open_process_directory(pid, "fd");
  if (descriptors == NULL)
    return WD_NONE;
  while (g_dir_read_name(descriptors) != NULL) {
    if (used_us() - began_us > BUDGET_US)
      return WD_NONE;
    count++;
  }
  return count;
}

void
wd_handle_remember_threads(WdHandle *handle)
{
  wd_threads_free(handle->threads);
  handle->threads = read_threads(handle->pid);
}

char *
wd_handle_details(const WdHandle *handle, WdBusiest *busiest)
{
  WdProcMemory memory;
  g_autoptr(WdThreads) now = read_threads(handle->pid);
  const gboolean has_memory = wd_procfs_read_memory(handle->pid, &memory);
  const gint64 threads =
      has_memory && memory.threads != WD_NONE ? memory.threads : (gint64)now->threads->len;
  g_autofree char *details = wd_details_json(
      handle->threads, now, threads, has_memory ? &memory : NULL, count_descriptors(handle->pid));
  *busiest = wd_threads_busiest(handle->threads, now);
  return wd_handle_lives(handle) ? g_steal_pointer(&details) : NULL;
}
