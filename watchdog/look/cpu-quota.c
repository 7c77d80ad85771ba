#include "watchdog/look/cpu-quota.h"

#include "watchdog/core/kernel/cgroup.h"

#include <string.h>

#define MOUNT "/sys/fs/cgroup"

static gint64
quota_v2(const char *group)
{
  g_autofree char *text = NULL;
  g_autofree char *path = g_build_filename(MOUNT, group, "cpu.max", NULL);
  return g_file_get_contents(path, &text, NULL, NULL) ? wd_cgroup_cpu_quota(text) : -1;
}

/* v1 divides v2's one line into two files. Its "-1" means none, and the parser rejects it. */
static gint64
quota_v1(const char *group)
{
  g_autofree char *quota = NULL;
  g_autofree char *period = NULL;
  g_autofree char *quota_path = g_build_filename(MOUNT "/cpu", group, "cpu.cfs_quota_us", NULL);
  g_autofree char *period_path = g_build_filename(MOUNT "/cpu", group, "cpu.cfs_period_us", NULL);
  if (!g_file_get_contents(quota_path, &quota, NULL, NULL) ||
      !g_file_get_contents(period_path, &period, NULL, NULL))
    return -1;
  g_autofree char *line = g_strconcat(g_strstrip(quota), " ", g_strstrip(period), NULL);
  return wd_cgroup_cpu_quota(line);
}

/* From @group up to the root, because the smallest quota on the way is the one that applies. */
static gint64
least_quota(const char *group, gint64 (*quota_of)(const char *group))
{
  gint64 least = -1;
  g_autofree char *at = g_strdup(group);
  while (at != NULL && strcmp(at, "/") != 0 && strcmp(at, ".") != 0) {
    const gint64 quota = quota_of(at);
    if (quota >= 0 && (least < 0 || quota < least))
      least = quota;
    char *parent = g_path_get_dirname(at);
    g_free(at);
    at = parent;
  }
  return least;
}

gint64
wd_cpu_quota(void)
{
  g_autofree char *groups = NULL;
  if (!g_file_get_contents("/proc/self/cgroup", &groups, NULL, NULL))
    return -1;
  g_autofree char *v2 = wd_cgroup_path(groups, "");
  const gint64 quota = v2 != NULL ? least_quota(v2, quota_v2) : -1;
  if (quota >= 0)
    return quota;
  g_autofree char *v1 = wd_cgroup_path(groups, "cpu");
  return v1 != NULL ? least_quota(v1, quota_v1) : -1;
}
