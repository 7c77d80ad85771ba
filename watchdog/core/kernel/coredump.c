#include "watchdog/core/kernel/coredump.h"

#include <string.h>

#define BOOT_ID_DIGITS 32

/* "|/usr/lib/systemd/systemd-coredump %P %u …": a program that gets the dump through a pipe. */
static gboolean
is_systemd(const char *core_pattern)
{
  if (*core_pattern != '|')
    return FALSE;
  g_autofree char *program = g_strndup(core_pattern + 1, strcspn(core_pattern + 1, " \t\n"));
  g_autofree char *name = g_path_get_basename(program);
  return g_str_equal(name, "systemd-coredump");
}

char *
wd_coredump_matches(const char *core_pattern, const char *boot_id, gint64 pid)
{
  g_autoptr(GString) boot = g_string_new(boot_id);
  g_string_replace(boot, "-", "", 0);
  if (boot->len != BOOT_ID_DIGITS || strspn(boot->str, "0123456789abcdef") != BOOT_ID_DIGITS ||
      !is_systemd(core_pattern))
    return NULL;
  return g_strdup_printf("COREDUMP_PID=%" G_GINT64_FORMAT " _BOOT_ID=%s", pid, boot->str);
}
