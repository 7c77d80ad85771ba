#include "watchdog/run/roster.h"

#include <string.h>
#include <unistd.h>

#include "watchdog/core/machine/supervise.h"
#include "watchdog/core/settings/defaults.h"
#include "watchdog/look/managed-extensions.h"
#include "watchdog/run/run-mark.h"

/* As osquery's watcher (osquery/core/init.cpp): children yield to what the host is for. */
#define CHILD_NICENESS 10

static void
add_extension(WdRoster *roster, const WdManagedExtension *extension)
{
  const char *const *variables =
      extension->is_tables ? (const char *const *)roster->tables_variables : NULL;
  wd_supervise_add_extension(roster->machine, extension->name, extension->path,
                             extension->is_tables);
  g_ptr_array_add(roster->children,
                  wd_child_new_extension(extension->name, extension->path, roster->socket,
                                         roster->timeout_s, roster->interval_s, roster->verbose,
                                         variables, &roster->traits));
}

WdRoster *
wd_roster_new(const WdSettings *settings, const char *worker_path, const GPtrArray *extensions,
              const char *state_dir, const char *runtime_dir, const char *mark,
              const char *oom_score_adj, GError **error)
{
  g_autoptr(WdHandle) self = wd_handle_open(getpid(), error);
  if (self == NULL)
    return NULL;
  g_autofree char *own_path = g_file_read_link("/proc/self/exe", NULL);
  g_autoptr(GStrvBuilder) variables = g_strv_builder_new();
  g_autofree char *state = g_strconcat(WD_STATE_DIR_VARIABLE "=", state_dir, NULL);
  g_autofree char *runtime = g_strconcat(WD_RUNTIME_DIR_VARIABLE "=", runtime_dir, NULL);
  g_strv_builder_add_many(variables, state, runtime, NULL);
  const gboolean nice = settings->limits.enforce && settings->watchdog_level >= 0;

  WdRoster *roster = g_new0(WdRoster, 1);
  roster->traits = (WdChildTraits){
      .niceness = nice ? CHILD_NICENESS : 0,
      .allow_unsafe = settings->allow_unsafe,
      .oom_score_adj = g_strdup(oom_score_adj),
      .run_mark = g_strconcat(WD_RUN_VARIABLE "=", mark, NULL),
  };
  roster->socket = g_strdup(settings->extensions_socket);
  roster->timeout_s = settings->limits.extensions_timeout_s;
  roster->interval_s = settings->limits.extensions_interval_s;
  roster->verbose = settings->verbose;
  roster->tables_variables = g_strv_builder_end(variables);
  const WdFound watchdog = {
      .role = WD_ROLE_WATCHDOG,
      .name = "watchdog",
      .path = own_path,
      .pid = getpid(),
      .start_ticks = wd_handle_start_ticks(self),
      .started_us = g_get_monotonic_time(),
  };
  roster->machine = wd_supervise_new(&settings->limits, &watchdog, worker_path);
  roster->children = g_ptr_array_new_with_free_func((GDestroyNotify)wd_child_free);
  g_ptr_array_add(roster->children, wd_child_new_worker(worker_path, settings->osqueryd_argv,
                                                        extensions->len > 0, &roster->traits));
  for (guint i = 0; i < extensions->len; i++)
    add_extension(roster, g_ptr_array_index(extensions, i));
  return roster;
}

void
wd_roster_free(WdRoster *roster)
{
  if (roster == NULL)
    return;
  wd_machine_free(roster->machine);
  g_ptr_array_unref(roster->children);
  g_strfreev(roster->tables_variables);
  g_free(roster->traits.oom_score_adj);
  g_free(roster->traits.run_mark);
  g_free(roster->socket);
  g_free(roster);
}

static gboolean
lists(const GPtrArray *extensions, const char *path)
{
  for (guint i = 0; i < extensions->len; i++) {
    const WdManagedExtension *extension = g_ptr_array_index(extensions, i);
    if (strcmp(extension->path, path) == 0)
      return TRUE;
  }
  return FALSE;
}

void
wd_roster_compare(const WdRoster *roster, const GPtrArray *extensions, GPtrArray **added,
                  GPtrArray **removed)
{
  *added = g_ptr_array_new_with_free_func(g_free);
  *removed = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < extensions->len; i++) {
    const WdManagedExtension *extension = g_ptr_array_index(extensions, i);
    const guint index = wd_supervise_find_extension(roster->machine, extension->path);
    if (index == 0 || !wd_supervise_wants(roster->machine, index))
      g_ptr_array_add(*added, g_strdup(extension->path));
  }
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < wd_machine_count(roster->machine); i++) {
    const WdChild *child = g_ptr_array_index(roster->children, i - WD_PROCESS_WORKER);
    if (wd_supervise_wants(roster->machine, i) && !lists(extensions, child->program.path))
      g_ptr_array_add(*removed, g_strdup(child->program.path));
  }
}

void
wd_roster_extend(WdRoster *roster, const GPtrArray *extensions)
{
  for (guint i = 0; i < extensions->len; i++) {
    const WdManagedExtension *extension = g_ptr_array_index(extensions, i);
    if (wd_supervise_find_extension(roster->machine, extension->path) == 0)
      add_extension(roster, extension);
  }
}
