/* Parses the kernel's files about control groups, which the caller reads. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text: /proc/PID/cgroup. @controller: of cgroup v1 ("memory", "cpu"), or "" for the v2 hierarchy.
 * Returns: the group's path, newly allocated, beginning with '/'; NULL: it isn't there, or climbs
 * out with "..". */
char *wd_cgroup_path(const char *text, const char *controller);

/* @text: lines of "NAME NUMBER", as in memory.events, memory.oom_control and /proc/vmstat.
 * Returns: the number behind @name, or -1. */
gint64 wd_cgroup_counter(const char *text, const char *name);

/* @text: cpu.max, "QUOTA PERIOD" or "max PERIOD".
 * Returns: the quota as % of one CPU, rounded up; -1: none, or not understood. */
gint64 wd_cgroup_cpu_quota(const char *text);

/* @text: memory.max, memory.high or memory.limit_in_bytes: a number, or "max".
 * Returns: the bytes; -1: no limit, or not understood. */
gint64 wd_cgroup_bytes(const char *text);

G_END_DECLS
