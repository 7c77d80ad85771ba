#include "watchdog/look/handle.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/look/process-details.h"
#include "watchdog/look/procfs.h"

struct WdHandle {
  gint64 pid;
  gint64 start_ticks;
  int stat_fd;
  int pidfd;          /* -1: none */
  WdThreads *threads; /* as they were remembered last; NULL: never */
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

/* Its first thread may have gone, and left it to the others. */
static gboolean
is_dead(const WdProcStat *stat)
{
  return (stat->state == 'Z' || stat->state == 'X') && stat->threads <= 1;
}

/* That a file can't be read is no proof of a process's end, as long as there is a better one. */
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

void
wd_handle_remember_threads(WdHandle *handle)
{
  wd_threads_free(handle->threads);
  handle->threads = wd_process_threads_read(handle->pid);
}

char *
wd_handle_details(const WdHandle *handle)
{
  g_autofree char *details = wd_process_details_read(handle->pid, handle->threads);
  return wd_handle_lives(handle) ? g_steal_pointer(&details) : NULL;
}
