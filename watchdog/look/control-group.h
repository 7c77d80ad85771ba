/* The control groups of this process and its children. */
#pragma once

#include "watchdog/core/settings/group-caps.h"

G_BEGIN_DECLS

/* The lowest caps of our group and those around it, of cgroup v2 (cpu.max, memory.max, memory.high)
 * and v1 (cpu.cfs_quota_us, memory.limit_in_bytes). The outermost that can be seen counts, too:
 * inside a container's namespace, that is the container's own group.
 * @root: the directory that has proc and sys in it: "/". @caps: overwritten; owned by the caller.
 * What can't be read is no cap. */
void wd_control_group_caps(const char *root, WdGroupCaps *caps);

G_END_DECLS
