#include "watchdog/oom-kills.h"

#include "watchdog/core/cgroup.h"

#define MOUNT "/sys/fs/cgroup"

static gint64
read_count(const char *path)
{
  g_autofree char *text = NULL;
  return g_file_get_contents(path, &text, NULL, NULL) ? wd_cgroup_counter(text, "oom_kill") : -1;
}

/* The file of @controller's group, if it counts. */
static char *
counter_of_group(const char *groups, const char *controller, const char *file)
{
  g_autofree char *group = wd_cgroup_path(groups, controller);
  if (group == NULL)
    return NULL;
  g_autofree char *path = g_build_filename(MOUNT, controller, group, file, NULL);
  return read_count(path) >= 0 ? g_steal_pointer(&path) : NULL;
}

void
wd_oom_kills_init(WdOomKills *kills)
{
  g_autofree char *groups = NULL;
  *kills = (WdOomKills){.path = NULL, .count = -1};
  if (g_file_get_contents("/proc/self/cgroup", &groups, NULL, NULL)) {
    kills->path = counter_of_group(groups, "", "memory.events");
    if (kills->path == NULL)
      kills->path = counter_of_group(groups, "memory", "memory.oom_control");
  }
  if (kills->path == NULL)
    kills->path = g_strdup("/proc/vmstat");
  kills->count = read_count(kills->path);
  if (kills->count < 0)
    g_clear_pointer(&kills->path, g_free);
}

void
wd_oom_kills_clear(WdOomKills *kills)
{
  g_clear_pointer(&kills->path, g_free);
}

void
wd_oom_kills_look(WdOomKills *kills, gint64 now_us)
{
  if (kills->path == NULL)
    return;
  const gint64 before = kills->count;
  kills->count = read_count(kills->path);
  if (kills->count > before)
    kills->grew_us = now_us;
}

gboolean
wd_oom_kills_recent(WdOomKills *kills, gint64 now_us)
{
  wd_oom_kills_look(kills, now_us);
  return kills->grew_us != 0 && now_us - kills->grew_us <= WD_OOM_WINDOW_US;
}
