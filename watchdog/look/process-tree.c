#include "watchdog/look/process-tree.h"

#include "watchdog/look/procfs.h"

/* Far more than the children of any osquery watcher take. */
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
    if (g_ascii_string_to_signed(name, 10, 1, G_MAXINT32, &pid, NULL) &&
        wd_procfs_read_stat(pid, &stat) && stat.ppid == parent)
      g_array_append_val(pids, pid);
  }
}

GArray *
wd_process_tree_children(gint64 pid)
{
  GArray *pids = g_array_new(FALSE, FALSE, sizeof(gint64));
  if (!read_children(pid, pids))
    search_children(pid, pids);
  return pids;
}
