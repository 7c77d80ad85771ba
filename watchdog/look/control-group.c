#include "watchdog/look/control-group.h"

#include "watchdog/core/kernel/cgroup.h"

#define MOUNT "sys/fs/cgroup"

typedef void (*ReadCaps)(const char *directory, WdGroupCaps *caps);

static void
read_memory_file(const char *directory, const char *name, WdGroupCap *cap)
{
  g_autofree char *text = NULL;
  g_autofree char *path = g_build_filename(directory, name, NULL);

  if (g_file_get_contents(path, &text, NULL, NULL))
    wd_group_cap_lower(cap, wd_cgroup_bytes(text), path);
}

static void
read_v2(const char *directory, WdGroupCaps *caps)
{
  g_autofree char *text = NULL;
  g_autofree char *path = g_build_filename(directory, "cpu.max", NULL);

  if (g_file_get_contents(path, &text, NULL, NULL))
    wd_group_cap_lower(&caps->cpu_percent, wd_cgroup_cpu_quota(text), path);
  read_memory_file(directory, "memory.max", &caps->memory_bytes);
  read_memory_file(directory, "memory.high", &caps->memory_bytes);
}

/* v1 divides v2's one line into two files. Its "-1" means none, and the parser rejects it. */
static void
read_v1_cpu(const char *directory, WdGroupCaps *caps)
{
  g_autofree char *quota = NULL;
  g_autofree char *period = NULL;
  g_autofree char *quota_path = g_build_filename(directory, "cpu.cfs_quota_us", NULL);
  g_autofree char *period_path = g_build_filename(directory, "cpu.cfs_period_us", NULL);

  if (!g_file_get_contents(quota_path, &quota, NULL, NULL) ||
      !g_file_get_contents(period_path, &period, NULL, NULL))
    return;
  g_autofree char *line = g_strconcat(g_strstrip(quota), " ", g_strstrip(period), NULL);
  wd_group_cap_lower(&caps->cpu_percent, wd_cgroup_cpu_quota(line), quota_path);
}

/* No limit is the greatest multiple of a page there, far above any limit of ours. */
static void
read_v1_memory(const char *directory, WdGroupCaps *caps)
{
  read_memory_file(directory, "memory.limit_in_bytes", &caps->memory_bytes);
}

/* Reads the group at @path below @mount, and those around it up to @mount itself. */
static void
read_upwards(const char *mount, const char *path, ReadCaps read_caps, WdGroupCaps *caps)
{
  g_autofree char *at = g_strdup(path);
  for (;;) {
    g_autofree char *directory = g_build_filename(mount, at, NULL);
    read_caps(directory, caps);
    if (g_str_equal(at, "/"))
      return;
    char *parent = g_path_get_dirname(at);
    g_free(at);
    at = parent;
  }
}

void
wd_control_group_caps(const char *root, WdGroupCaps *caps)
{
  static const struct {
    const char *controller; /* and its directory; "": v2 has one hierarchy for all */
    ReadCaps read_caps;
  } hierarchies[] = {{"", read_v2}, {"cpu", read_v1_cpu}, {"memory", read_v1_memory}};
  g_autofree char *groups = NULL;
  g_autofree char *groups_path = g_build_filename(root, "proc/self/cgroup", NULL);

  wd_group_caps_init(caps);
  if (!g_file_get_contents(groups_path, &groups, NULL, NULL))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS(hierarchies); i++) {
    g_autofree char *path = wd_cgroup_path(groups, hierarchies[i].controller);
    g_autofree char *mount = g_build_filename(root, MOUNT, hierarchies[i].controller, NULL);
    if (path != NULL)
      read_upwards(mount, path, hierarchies[i].read_caps, caps);
  }
}
