#include "watchdog/look/kin.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "watchdog/look/procfs.h"

/* More children than any watcher has. */
#define CHILDREN_TEXT_MAX 65536

static void
add_pids(GArray *pids, const char *text)
{
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  for (char **word = words; *word != NULL; word++) {
    gint64 pid;
    if (g_ascii_string_to_signed(*word, 10, 1, G_MAXINT32, &pid, NULL))
      g_array_append_val(pids, pid);
  }
}

/* Returns: FALSE when the kernel has no such files (CONFIG_PROC_CHILDREN), or @pid is gone. */
static gboolean
read_children(gint64 pid, GArray *pids)
{
  g_autofree char *tasks_path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/task", pid);
  g_autoptr(GDir) tasks = g_dir_open(tasks_path, 0, NULL);
  gboolean readable = FALSE;
  if (tasks == NULL)
    return FALSE;
  for (const char *tid = g_dir_read_name(tasks); tid != NULL; tid = g_dir_read_name(tasks)) {
    g_autofree char *path = g_build_filename(tasks_path, tid, "children", NULL);
    g_autofree char *text = NULL;
    gsize length;
    if (!g_file_get_contents(path, &text, &length, NULL) || length > CHILDREN_TEXT_MAX)
      continue;
    readable = TRUE;
    add_pids(pids, g_strchomp(text));
  }
  return readable;
}

static void
search_children(gint64 parent, GArray *pids)
{
  g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
  if (processes == NULL)
    return;
  for (const char *name = g_dir_read_name(processes); name != NULL;
       name = g_dir_read_name(processes)) {
    gint64 pid;
    WdProcStat stat;
    if (g_ascii_string_to_signed(name, 10, 1, G_MAXINT32, &pid, NULL) && wd_kin_stat(pid, &stat) &&
        stat.ppid == parent)
      g_array_append_val(pids, pid);
  }
}

GArray *
wd_kin_children(gint64 pid)
{
  GArray *pids = g_array_new(FALSE, FALSE, sizeof(gint64));
  if (!read_children(pid, pids))
    search_children(pid, pids);
  return pids;
}

gboolean
wd_kin_stat(gint64 pid, WdProcStat *stat)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
  return wd_procfs_read_stat(path, stat);
}

char *
wd_kin_program(gint64 pid, const char *name)
{
  g_autofree char *link = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/exe", pid);
  g_autofree char *path = g_file_read_link(link, NULL);
  if (path == NULL)
    return NULL;
  if (g_str_has_suffix(path, " (deleted)")) /* replaced since it was started */
    path[strlen(path) - strlen(" (deleted)")] = '\0';
  g_autofree char *file = g_path_get_basename(path);
  return strncmp(file, name, WD_PROC_NAME_SIZE - 1) == 0 ? g_steal_pointer(&path) : NULL;
}

gint64
wd_kin_started_us(const WdProcStat *stat)
{
  struct timespec boot;
  if (clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
    return g_get_monotonic_time();
  const gint64 boot_us = (gint64)boot.tv_sec * G_USEC_PER_SEC + boot.tv_nsec / 1000;
  const gint64 age_us =
      boot_us - wd_procfs_ticks_to_ms(stat->start_ticks) * G_TIME_SPAN_MILLISECOND;
  return g_get_monotonic_time() - MAX(age_us, 0);
}

gboolean
wd_kin_is_osqueryd(const WdProcStat *stat)
{
  return strstr(stat->name, "osqueryd") != NULL;
}
