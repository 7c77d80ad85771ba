#include "watchdog/look/oom-kills.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "watchdog/core/kernel/cgroup.h"

#define MOUNT "/sys/fs/cgroup"
/* Room for all of /proc/vmstat, the longest of the three. */
#define TEXT_MAX 16384

static gint64
read_count(int fd)
{
  char text[TEXT_MAX + 1];
  gsize length = 0;
  gssize n;
  gint64 count;
  /* The kernel may return one page at a time, but always whole lines. */
  do {
    n = pread(fd, text + length, TEXT_MAX - length, (off_t)length);
    length += (gsize)MAX(n, 0);
    text[length] = '\0';
    count = wd_cgroup_counter(text, "oom_kill");
  } while (count < 0 && (n > 0 || (n < 0 && errno == EINTR)));
  return count;
}

/* Opens @path. Returns: FALSE when it has no count. */
static gboolean
open_counter(WdOomKills *kills, const char *path)
{
  kills->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (kills->fd < 0)
    return FALSE;
  kills->count = read_count(kills->fd);
  if (kills->count < 0)
    wd_oom_kills_clear(kills);
  return kills->fd >= 0;
}

static gboolean
open_group(WdOomKills *kills, const char *groups, const char *controller, const char *file)
{
  g_autofree char *group = wd_cgroup_path(groups, controller);
  if (group == NULL)
    return FALSE;
  g_autofree char *path = g_build_filename(MOUNT, controller, group, file, NULL);
  return open_counter(kills, path);
}

void
wd_oom_kills_init(WdOomKills *kills)
{
  g_autofree char *groups = NULL;
  *kills = (WdOomKills){.fd = -1};
  const gboolean in_group = g_file_get_contents("/proc/self/cgroup", &groups, NULL, NULL) &&
                            (open_group(kills, groups, "", "memory.events") ||
                             open_group(kills, groups, "memory", "memory.oom_control"));
  if (!in_group)
    (void)open_counter(kills, "/proc/vmstat");
}

void
wd_oom_kills_clear(WdOomKills *kills)
{
  if (kills->fd >= 0)
    close(kills->fd);
  kills->fd = -1;
}

void
wd_oom_kills_look(WdOomKills *kills, gint64 now_us)
{
  if (kills->fd < 0)
    return;
  const gint64 count = read_count(kills->fd);
  if (count > kills->count)
    kills->grew_us = now_us;
  if (count >= 0)
    kills->count = count;
}

gboolean
wd_oom_kills_recent(WdOomKills *kills, gint64 now_us)
{
  wd_oom_kills_look(kills, now_us);
  return kills->grew_us != 0 && now_us - kills->grew_us <= WD_OOM_WINDOW_US;
}
