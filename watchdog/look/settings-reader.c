#include "watchdog/look/settings-reader.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "watchdog/core/event/process-status.h"
#include "watchdog/core/settings/settings-parse.h"
#include "watchdog/look/cpu-quota.h"
#include "watchdog/look/fault-counter.h"
#include "watchdog/look/managed-extensions.h"
#include "watchdog/look/program-file.h"
#include "watchdog/look/text-file.h"
#include "watchdog/record/log.h"

static char *
read_file(const char *path, gsize *length, gpointer user_data, GError **error)
{
  (void)user_data;
  return wd_text_file_read(path, length, error);
}

static const char *
get_env(const char *name, gpointer user_data)
{
  (void)user_data;
  return g_getenv(name);
}

WdSettings *
wd_settings_read(const char *const *argv, GError **error)
{
  const WdSettingsIo io = {.read_file = read_file, .get_env = get_env};
  const guint cpus = (guint)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
  return wd_settings_parse(argv, cpus, &io, error);
}

static void
append_memory_watch(GString *text)
{
  const int refused = wd_fault_counter_probe();
  const WdMemoryWatch watch = refused == 0 ? WD_MEMORY_WATCH_EVENTS : WD_MEMORY_WATCH_POLLING;
  g_string_append_printf(text, "memory_watch: %s", wd_memory_watch_name(watch));
  if (refused != 0)
    g_string_append_printf(text, "  (page faults can't be counted here: %s)", g_strerror(refused));
  g_string_append_c(text, '\n');
}

/* Below such a quota the kernel throttles the process before it can exceed the limit. */
static void
append_quota_warning(GString *text, const WdLimits *limits)
{
  const gint64 quota = wd_cpu_quota();
  const gint64 limit = limits->utilization_limit * limits->cpus;
  if (quota >= 0 && quota < limit)
    g_string_append_printf(text,
                           "warning: the CPU quota of our control group, %" G_GINT64_FORMAT
                           "%% of one CPU, is below the CPU limit of %" G_GINT64_FORMAT
                           "%% of %u CPUs (%" G_GINT64_FORMAT
                           "%% of one): the limit can't be exceeded\n",
                           quota, limits->utilization_limit, limits->cpus, limit);
}

gboolean
wd_settings_check(const WdSettings *settings, GError **error)
{
  g_autoptr(GString) text = g_string_new(NULL);
  const char *called = settings->osqueryd_argv[0];
  g_autoptr(GError) not_found = NULL;
  g_autofree char *program = wd_program_file_find(called, &not_found);
  if (program != NULL)
    g_string_append_printf(text, "OSQUERYD=%s  (%s)\n", program,
                           strchr(called, '/') != NULL ? "argv" : "PATH");
  for (guint i = 0; i < settings->origins->len; i++) {
    const WdSettingOrigin *origin = g_ptr_array_index(settings->origins, i);
    g_string_append_printf(text, "--%s=%s  (%s)\n", origin->name, origin->value, origin->source);
  }
  append_memory_watch(text);
  for (guint i = 0; i < settings->warnings->len; i++)
    g_string_append_printf(text, "warning: %s\n",
                           (const char *)g_ptr_array_index(settings->warnings, i));
  if (settings->runs_once != NULL)
    g_string_append_printf(text, "%s would be executed as it is, without a watchdog (%s)\n", called,
                           settings->runs_once);
  else
    append_quota_warning(text, &settings->limits);
  if (fputs(text->str, stdout) < 0 || fflush(stdout) != 0) {
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                        "the standard output can't be written");
    return FALSE;
  }
  if (program == NULL) {
    g_propagate_error(error, g_steal_pointer(&not_found));
    return FALSE;
  }
  if (settings->runs_once != NULL)
    return TRUE;
  g_autoptr(GError) unreadable = NULL;
  if (!wd_program_file_check(program, settings->allow_unsafe, error))
    return FALSE;
  g_autoptr(GError) no_tables = NULL;
  g_autoptr(GPtrArray) extensions = wd_managed_extensions_list(settings, &unreadable, &no_tables);
  if (unreadable != NULL)
    wd_logf("warning: no extensions are loaded: %s", unreadable->message);
  if (no_tables != NULL)
    wd_logf("warning: no tables are served: %s", no_tables->message);
  return TRUE;
}
