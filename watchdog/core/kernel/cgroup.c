#include "watchdog/core/kernel/cgroup.h"

#include <string.h>

/* Lines are "ID:CONTROLLER[,CONTROLLER]…:PATH"; that of v2 is "0::PATH". A path may have colons. */
static gboolean
names_controller(const char *controllers, const char *wanted)
{
  g_auto(GStrv) names = g_strsplit(controllers, ",", -1);
  if (*wanted == '\0')
    return *controllers == '\0';
  return g_strv_contains((const char *const *)names, wanted);
}

char *
wd_cgroup_path(const char *text, const char *controller)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++) {
    g_auto(GStrv) fields = g_strsplit(lines[i], ":", 3);
    if (g_strv_length(fields) != 3 || !names_controller(fields[1], controller))
      continue;
    return fields[2][0] == '/' && strstr(fields[2], "/..") == NULL ? g_strdup(fields[2]) : NULL;
  }
  return NULL;
}

gint64
wd_cgroup_counter(const char *text, const char *name)
{
  const gsize length = strlen(name);
  for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
    if (*at == '\n')
      at++;
    if (strncmp(at, name, length) != 0 || at[length] != ' ' || !g_ascii_isdigit(at[length + 1]))
      continue;
    char *end;
    const guint64 value = g_ascii_strtoull(at + length + 1, &end, 10);
    if ((*end == '\n' || *end == '\0') && value <= G_MAXINT64)
      return (gint64)value;
  }
  return -1;
}

gint64
wd_cgroup_cpu_quota(const char *text)
{
  gint64 quota_us;
  gint64 period_us;
  g_auto(GStrv) fields = g_strsplit_set(text, " \n", -1);
  /* The kernel's own bounds keep the product far from overflowing. */
  if (g_strv_length(fields) < 2 ||
      !g_ascii_string_to_signed(fields[0], 10, 1, G_MAXINT64 / 100, &quota_us, NULL) ||
      !g_ascii_string_to_signed(fields[1], 10, 1, G_MAXINT64, &period_us, NULL))
    return -1;
  return quota_us * 100 / period_us + (quota_us * 100 % period_us != 0 ? 1 : 0);
}

gint64
wd_cgroup_bytes(const char *text)
{
  gint64 bytes;
  g_autofree char *number = g_strchomp(g_strdup(text));
  return g_ascii_string_to_signed(number, 10, 0, G_MAXINT64, &bytes, NULL) ? bytes : -1;
}
