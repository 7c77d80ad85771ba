#include "watchdog/run/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watchdog/core/event/process-status.h"
#include "watchdog/core/event/safe-text.h"
#include "watchdog/core/settings/query-names.h"
#include "watchdog/core/settings/settings-error.h"
#include "watchdog/look/fault-counter.h"
#include "watchdog/look/managed-extensions.h"
#include "watchdog/look/program-file.h"
#include "watchdog/record/log.h"
#include "watchdog/record/private-directory.h"
#include "watchdog/run/listener.h"
#include "watchdog/run/pidfile.h"
#include "watchdog/store/given-up.h"
#include "watchdog/store/history.h"
#include "watchdog/store/reader.h"

#define EXIT_WARNINGS 3

/* --- looking --- */

/* Returns: its path, or NULL with a fault. */
static char *
find_program(WdSettings *settings)
{
  g_autoptr(GError) error = NULL;
  char *program = wd_program_file_find(settings->osqueryd_argv[0], &error);
  if (program == NULL)
    wd_settings_warn(settings->faults, "%s", error->message);
  return program;
}

/* Which of @extensions the history remembers as given up. A history that isn't there, or can't be
 * read, remembers none; look_at_files() says what is wrong with its directory. */
static void
look_at_given_up(WdSettings *settings, const GPtrArray *extensions)
{
  g_autofree char *history = g_build_filename(settings->state_dir, WD_HISTORY_FILE, NULL);
  g_autofree char *path = g_canonicalize_filename(history, NULL);
  g_autoptr(sqlite3) db = wd_reader_open(path, &wd_schema_history, NULL);
  g_autoptr(GPtrArray) given_up =
      db != NULL ? wd_given_up_read(db, g_get_real_time() / G_USEC_PER_SEC, NULL) : NULL;
  for (guint i = 0; given_up != NULL && i < extensions->len; i++) {
    const WdManagedExtension *extension = g_ptr_array_index(extensions, i);
    g_autofree char *file = wd_program_file_identity(extension->path);
    const WdGivenUp *entry = wd_given_up_find(given_up, extension->path, file);
    if (entry != NULL)
      wd_settings_warn(settings->warnings,
                       "%s was given up, because it exited too often or could not be executed: for "
                       "%" G_GINT64_FORMAT " more minutes, or until its file changes, it won't "
                       "end osquery again",
                       extension->path, (entry->left_s + 59) / 60);
  }
}

static void
look_at_programs(WdSettings *settings, const char *program)
{
  g_autoptr(GError) error = NULL;
  if (program != NULL && !wd_program_file_check(program, settings->allow_unsafe, &error))
    wd_settings_warn(settings->faults, "%s", error->message);

  g_autoptr(GError) unreadable = NULL;
  g_autoptr(GPtrArray) extensions =
      wd_managed_extensions_list(settings, settings->warnings, &unreadable);
  if (unreadable != NULL)
    wd_settings_warn(settings->warnings, "no extensions are loaded: %s", unreadable->message);
  look_at_given_up(settings, extensions);
}

static void
look_at_directory(WdSettings *settings, const char *name, const char *path, const char *meanwhile)
{
  g_autoptr(GError) error = NULL;
  if (!wd_private_directory_check(path, &error))
    wd_settings_warn(settings->warnings, "--%s: %s: %s until that changes", name, error->message,
                     meanwhile);
}

/* osqueryd, too, doesn't start without its pidfile. */
static void
look_at_files(WdSettings *settings)
{
  g_autoptr(GError) error = NULL;
  if (settings->pidfile != NULL && !wd_pidfile_check(settings->pidfile, &error))
    wd_settings_warn(settings->faults, "%s", error->message);
  look_at_directory(settings, "state_dir", settings->state_dir, "there is no history");
  look_at_directory(settings, "runtime_dir", settings->runtime_dir, "there is no current state");
}

/* --- printing --- */

/* A value may have a line break, or an escape sequence for the terminal. */
static void
append_setting(GString *text, const char *name, const char *value, const char *source)
{
  g_autofree char *line = g_strdup_printf("%s=%s  (%s)", name, value, source);
  wd_text_mark_controls(line, '?');
  g_string_append_printf(text, "%s\n", line);
}

static void
append_settings(GString *text, const WdSettings *settings, const char *program)
{
  const char *called = settings->osqueryd_argv[0];
  if (program != NULL)
    append_setting(text, "OSQUERYD", program, strchr(called, '/') != NULL ? "argv" : "PATH");
  for (guint i = 0; i < settings->origins->len; i++) {
    const WdSetting *origin = g_ptr_array_index(settings->origins, i);
    g_autofree char *name = g_strconcat("--", origin->name, NULL);
    append_setting(text, name, origin->value, origin->source);
  }
}

/* How growth would be noticed here. */
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

/* Which queries osqueryd would name. A flag's value may have a line break. */
static void
append_query_names(GString *text, const WdSettings *settings)
{
  g_autofree char *line = wd_query_names_describe(settings);
  wd_text_mark_controls(line, '?');
  g_string_append_printf(text, "queries: %s\n", line);
}

/* Whether what children write to stderr would be, if it were started from here. */
static void
append_output(GString *text, const WdSettings *settings)
{
  const char *obstacle = wd_listener_obstacle(settings);
  g_string_append_printf(text, "output: %scaptured", obstacle != NULL ? "not " : "");
  if (obstacle != NULL)
    g_string_append_printf(text, "  (%s)", obstacle);
  g_string_append_c(text, '\n');
}

static void
append_count(GString *text, guint count, const char *noun)
{
  if (count > 0)
    g_string_append_printf(text, ", %u %s%s", count, noun, count > 1 ? "s" : "");
}

static char *
make_verdict(const WdSettings *settings)
{
  GString *text = g_string_new("verdict: ");
  g_string_append(text, settings->faults->len > 0     ? "can't start"
                        : settings->warnings->len > 0 ? "can start"
                                                      : "fine");
  append_count(text, settings->faults->len, "error");
  append_count(text, settings->warnings->len, "warning");
  return g_string_free(g_string_append_c(text, '\n'), FALSE);
}

static gboolean
print(const char *text, GError **error)
{
  if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
    return TRUE;
  g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                      "the standard output can't be written");
  return FALSE;
}

static gboolean
report(const WdSettings *settings, const char *program, GError **error)
{
  g_autoptr(GString) text = g_string_new(NULL);
  g_autofree char *verdict = make_verdict(settings);
  append_settings(text, settings, program);
  if (settings->understood) {
    append_memory_watch(text);
    append_query_names(text, settings);
    append_output(text, settings);
  }
  for (guint i = 0; i < settings->warnings->len; i++)
    g_string_append_printf(text, "warning: %s\n",
                           (const char *)g_ptr_array_index(settings->warnings, i));
  if (settings->runs_once != NULL)
    g_string_append_printf(text, "%s would be executed as it is, without a watchdog (%s)\n",
                           settings->osqueryd_argv[0], settings->runs_once);
  if (!print(text->str, error))
    return FALSE;
  for (guint i = 0; i < settings->faults->len; i++)
    wd_logf("osquery-watchdogd: %s", (const char *)g_ptr_array_index(settings->faults, i));
  return print(verdict, error);
}

int
wd_check_run(WdSettings *settings, GError **error)
{
  g_autofree char *program = find_program(settings);
  if (settings->understood) {
    look_at_programs(settings, program);
    look_at_files(settings);
  }
  if (!report(settings, program, error) || settings->faults->len > 0)
    return EXIT_FAILURE;
  return settings->warnings->len > 0 ? EXIT_WARNINGS : EXIT_SUCCESS;
}
