#include "watchdog/look/process-details.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "watchdog/look/procfs.h"

/* What the first signal may be kept waiting for, half for the threads, half for the descriptors. Of
 * our CPU time: on a machine that is so busy that we wait, too, the details are wanted most. */
#define BUDGET_US (5 * G_TIME_SPAN_MILLISECOND)

/* 0 when there is no such clock: then there is no end of the budget, either. */
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
  *thread = (WdThreadUse){
      .tid = stat.pid,
      .start_ticks = stat.start_ticks,
      .cpu_ms = wd_procfs_ticks_to_ms(stat.user_ticks + stat.system_ticks),
  };
  g_strlcpy(thread->name, stat.name, sizeof thread->name);
  return TRUE;
}

WdThreads *
wd_process_threads_read(gint64 pid)
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

/* WD_NONE when it may not be looked at, or there are too many to count in time. */
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

char *
wd_process_details_read(gint64 pid, const WdThreads *before)
{
  WdProcMemory memory;
  g_autoptr(WdThreads) now = wd_process_threads_read(pid);
  const gboolean has_memory = wd_procfs_read_memory(pid, &memory);
  const gint64 threads =
      has_memory && memory.threads != WD_NONE ? memory.threads : (gint64)now->threads->len;
  return wd_details_json(before, now, threads, has_memory ? &memory : NULL, count_descriptors(pid));
}
