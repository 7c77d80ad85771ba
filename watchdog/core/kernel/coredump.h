/* How to find the journal entry in which systemd-coredump records a core dump. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @core_pattern: the text of /proc/sys/kernel/core_pattern (core(5)). @boot_id: the boot's, with
 * dashes or without. @pid: of the process that dumped core, in the initial namespace.
 * Returns: what coredumpctl takes to find the entry, "COREDUMP_PID=41 _BOOT_ID=…", newly allocated.
 * NULL: systemd-coredump doesn't get core dumps, or @boot_id isn't one. */
char *wd_coredump_matches(const char *core_pattern, const char *boot_id, gint64 pid);

G_END_DECLS
