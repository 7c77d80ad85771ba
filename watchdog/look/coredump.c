#include "watchdog/look/coredump.h"

#include "watchdog/core/event/json.h"
#include "watchdog/core/kernel/coredump.h"
#include "watchdog/look/procfs.h"
#include "watchdog/look/text-file.h"

#include <sys/stat.h>

/* The kernel's (include/linux/proc_ns.h, PROC_PID_INIT_INO). In another one our pids are other
 * processes' to systemd-coredump. */
#define INITIAL_PID_NAMESPACE 0xEFFFFFFCu

static gboolean
in_initial_namespace(void)
{
  struct stat status;
  return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == INITIAL_PID_NAMESPACE;
}

char *
wd_coredump_details(gint64 pid)
{
  gsize length;
  g_autofree char *pattern = wd_text_file_read("/proc/sys/kernel/core_pattern", &length, NULL);
  if (pattern == NULL || !in_initial_namespace())
    return NULL;
  g_autofree char *boot_id = wd_procfs_boot_id();
  g_autofree char *matches = wd_coredump_matches(pattern, boot_id, pid);
  if (matches == NULL)
    return NULL;
  g_autoptr(GString) json = g_string_new("{");
  wd_json_append_text(json, "coredump", matches);
  g_string_append_c(json, '}');
  return g_string_free(g_steal_pointer(&json), FALSE);
}
