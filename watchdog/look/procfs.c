#include "watchdog/look/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "watchdog/core/kernel/wait-channel.h"

/* stat and status are far shorter; a longer file is something else. */
#define PROC_TEXT_MAX 4096

static gssize
read_text(int fd, char *text, gsize size)
{
  gssize n;
  do
    n = pread(fd, text, size, 0);
  while (n < 0 && errno == EINTR);
  return n;
}

gboolean
wd_procfs_read_open_stat(int fd, WdProcStat *stat)
{
  char text[PROC_TEXT_MAX];
  const gssize n = read_text(fd, text, sizeof text);
  return n > 0 && wd_proc_stat_parse(text, (gsize)n, stat);
}

static gboolean
read_stat(const char *path, WdProcStat *stat)
{
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  const gboolean understood = wd_procfs_read_open_stat(fd, stat);
  close(fd);
  return understood;
}

gboolean
wd_procfs_read_stat(gint64 pid, WdProcStat *stat)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
  return read_stat(path, stat);
}

gboolean
wd_procfs_read_thread_stat(gint64 pid, const char *tid, WdProcStat *stat)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/task/%s/stat", pid, tid);
  return read_stat(path, stat);
}

/* Returns: how many bytes; 0 or less: none. */
static gssize
read_thread_text(gint64 pid, gint64 tid, const char *name, char *text, gsize size)
{
  g_autofree char *path =
      g_strdup_printf("/proc/%" G_GINT64_FORMAT "/task/%" G_GINT64_FORMAT "/%s", pid, tid, name);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  const gssize n = read_text(fd, text, size);
  close(fd);
  return n;
}

gint64
wd_procfs_thread_cpu_ms(gint64 pid, gint64 tid)
{
  char text[128];
  const gssize n = read_thread_text(pid, tid, "schedstat", text, sizeof text);
  return n > 0 ? wd_proc_schedstat_cpu_ms(text, (gsize)n) : WD_NONE;
}

gboolean
wd_procfs_thread_waits(gint64 pid, gint64 tid)
{
  char text[MAX(WD_WAIT_SYSCALL_MAX, WD_WAIT_CHANNEL_MAX)];
  gssize n = read_thread_text(pid, tid, "syscall", text, WD_WAIT_SYSCALL_MAX);
  if (n > 0)
    return wd_wait_syscall_is_pause(text, (gsize)n);
  n = read_thread_text(pid, tid, "wchan", text, WD_WAIT_CHANNEL_MAX);
  return n > 0 && wd_wait_channel_is_futex(text, (gsize)n);
}

gboolean
wd_procfs_read_memory(gint64 pid, WdProcMemory *memory)
{
  char text[PROC_TEXT_MAX];
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/status", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  const gssize n = read_text(fd, text, sizeof text);
  close(fd);
  return n > 0 && wd_proc_memory_parse(text, (gsize)n, memory);
}

char *
wd_procfs_executable(gint64 pid)
{
  g_autofree char *link = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/exe", pid);
  char *path = g_file_read_link(link, NULL);
  if (path != NULL && g_str_has_suffix(path, " (deleted)")) /* replaced since it was started */
    path[strlen(path) - strlen(" (deleted)")] = '\0';
  return path;
}

char *
wd_procfs_program(gint64 pid, const char *name)
{
  g_autofree char *path = wd_procfs_executable(pid);
  if (path == NULL)
    return NULL;
  g_autofree char *file = g_path_get_basename(path);
  return strncmp(file, name, WD_PROC_NAME_SIZE - 1) == 0 ? g_steal_pointer(&path) : NULL;
}

gint64
wd_procfs_started_us(const WdProcStat *stat)
{
  struct timespec boot;
  if (clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
    return g_get_monotonic_time();
  const gint64 boot_us = (gint64)boot.tv_sec * G_USEC_PER_SEC + boot.tv_nsec / 1000;
  const gint64 age_us =
      boot_us - wd_procfs_ticks_to_ms(stat->start_ticks) * G_TIME_SPAN_MILLISECOND;
  return g_get_monotonic_time() - MAX(age_us, 0);
}

gint64
wd_procfs_ticks_to_ms(gint64 ticks)
{
  const gint64 per_second = sysconf(_SC_CLK_TCK);
  return ticks / per_second * 1000 + ticks % per_second * 1000 / per_second;
}

char *
wd_procfs_boot_id(void)
{
  char *text = NULL;
  if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup("");
  return g_strstrip(text);
}
