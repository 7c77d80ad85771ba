#include "watchdog/run/child.h"

#include <signal.h>
#include <unistd.h>

#include "watchdog/look/program-file.h"
#include "watchdog/run/run-mark.h"

/* The variables of a service manager are for us alone. Those of osquery's own watcher are ours to
 * set. */
static const char *const WITHHELD[] = {
    "NOTIFY_SOCKET=",      "WATCHDOG_PID=",           "WATCHDOG_USEC=",    "LISTEN_PID=",
    "LISTEN_FDS=",         "LISTEN_FDNAMES=",         "OSQUERY_WORKER=",   "OSQUERY_EXTENSION=",
    "OSQUERY_EXTENSIONS=", WD_REPORT_FD_VARIABLE "=", WD_RUN_VARIABLE "=",
};

static gboolean
withheld(const char *entry)
{
  for (gsize i = 0; i < G_N_ELEMENTS(WITHHELD); i++)
    if (g_str_has_prefix(entry, WITHHELD[i]))
      return TRUE;
  return FALSE;
}

/* As osquery's watcher, says to all its children that there are managed extensions. */
char **
wd_child_environment(const char *mark, gboolean extensions, const char *const *variables)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_auto(GStrv) ours = g_get_environ();
  for (gsize i = 0; ours[i] != NULL; i++)
    if (!withheld(ours[i]))
      g_strv_builder_add(builder, ours[i]);
  g_strv_builder_add(builder, mark);
  if (extensions)
    g_strv_builder_add(builder, "OSQUERY_EXTENSIONS=true");
  for (gsize i = 0; variables != NULL && variables[i] != NULL; i++)
    g_strv_builder_add(builder, variables[i]);
  return g_strv_builder_end(builder);
}

/* Takes @argv. */
static WdChild *
child_new(WdRole role, const char *name, const char *path, char **argv, gboolean extensions,
          const char *const *variables, const WdChildTraits *traits)
{
  WdChild *child = g_new0(WdChild, 1);
  child->role = role;
  child->name = g_strdup(name);
  child->program = (WdProgram){
      .path = g_strdup(path),
      .argv = argv,
      .environment = wd_child_environment(traits->run_mark, extensions, variables),
      .niceness = traits->niceness,
      .oom_score_adj = traits->oom_score_adj,
      .stderr_fd = -1,
  };
  child->traits = traits;
  child->channel = WD_CHANNEL_NONE;
  child->faults = WD_FAULT_COUNTER_NONE;
  return child;
}

WdChild *
wd_child_new_worker(const char *path, char *const *argv, gboolean managed_extensions,
                    const WdChildTraits *traits)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (gsize i = 0; argv[i] != NULL; i++)
    g_strv_builder_add(builder, argv[i]);
  WdChild *child = child_new(WD_ROLE_WORKER, "worker", path, g_strv_builder_end(builder),
                             managed_extensions, NULL, traits);
  child->program.pid_variable = "OSQUERY_WORKER";
  child->program.death_signal = SIGTERM;
  return child;
}

WdChild *
wd_child_new_extension(const char *name, const char *path, const char *socket, gint64 timeout_s,
                       gint64 interval_s, gboolean verbose, const char *const *variables,
                       const WdChildTraits *traits)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_autofree char *timeout = g_strdup_printf("%" G_GINT64_FORMAT, timeout_s);
  g_autofree char *interval = g_strdup_printf("%" G_GINT64_FORMAT, interval_s);
  g_strv_builder_add(builder, path);
  if (verbose)
    g_strv_builder_add(builder, "--verbose");
  g_strv_builder_add_many(builder, "--socket", socket, "--timeout", timeout, "--interval", interval,
                          NULL);
  WdChild *child = child_new(WD_ROLE_EXTENSION, name, path, g_strv_builder_end(builder), TRUE,
                             variables, traits);
  child->program.pid_variable = "OSQUERY_EXTENSION";
  child->program.death_signal = SIGKILL;
  child->program.fd_variable = variables != NULL ? WD_REPORT_FD_VARIABLE : NULL;
  return child;
}

static void
forget_words(WdChild *child)
{
  g_clear_pointer(&child->said, wd_said_free);
  g_clear_pointer(&child->last_output, g_free);
}

void
wd_child_free(WdChild *child)
{
  wd_child_reaped(child);
  forget_words(child);
  g_strfreev(child->program.argv);
  g_strfreev(child->program.environment);
  g_free(child->program.path);
  g_free(child->file);
  g_free(child->name);
  g_free(child);
}

/* Each start of the process has a pipe of its own as its stderr. */
static gboolean
fork_captured(WdChild *child, GError **error)
{
  WdProgram *program = &child->program;
  WdListener *listener = child->traits->listener;
  g_autoptr(WdOutput) output = NULL;
  if (listener != NULL)
    output = wd_listener_open(listener, child->role == WD_ROLE_WORKER, &program->stderr_fd);
  const gboolean forked = wd_spawn(program, &child->spawn, error);
  if (output == NULL)
    return forked;
  close(program->stderr_fd);
  program->stderr_fd = -1;
  if (!forked)
    return FALSE;
  wd_output_begin(output, wd_speaker_new(child->name, child->role, program->path, child->spawn.pid),
                  child->spawn.pid);
  wd_listener_add(listener, output);
  child->output = g_steal_pointer(&output);
  return TRUE;
}

/* Our own extension also gets a channel of its own at each start. */
static gboolean
fork_program(WdChild *child, GError **error)
{
  WdProgram *program = &child->program;
  if (program->fd_variable == NULL)
    return fork_captured(child, error);
  if (!wd_channel_open(&child->channel, &program->inherited_fd, error))
    return FALSE;
  const gboolean forked = fork_captured(child, error);
  close(program->inherited_fd);
  if (!forked)
    wd_channel_close(&child->channel);
  return forked;
}

gboolean
wd_child_start(WdChild *child, WdRunRecord *record, guint index, GError **error)
{
  g_free(child->file);
  forget_words(child);
  child->file = wd_program_file_identity(child->program.path);
  if (!wd_program_file_check(child->program.path, child->traits->allow_unsafe, error) ||
      !fork_program(child, error))
    return FALSE;
  child->alive = TRUE;
  child->faults = wd_fault_counter_open(child->spawn.pid);
  child->handle = wd_handle_open(child->spawn.pid, error);
  if (child->handle != NULL)
    wd_run_record_set(record, index, child->handle);
  if (child->handle == NULL || !wd_spawn_go(&child->spawn, error)) {
    /* The waiting child sees its control socket close, and exits; it is reaped like any stray. */
    wd_child_reaped(child);
    return FALSE;
  }
  return TRUE;
}

gboolean
wd_child_poll_exec(WdChild *child)
{
  int error_number;
  switch (wd_spawn_poll(&child->spawn, &error_number)) {
  case WD_EXEC_PENDING:
    return FALSE;
  case WD_EXEC_FAILED:
    child->exec_error = wd_program_file_exec_error(child->program.path, error_number);
    break;
  case WD_EXEC_DONE:
    break;
  }
  close(child->spawn.control_fd);
  child->spawn.control_fd = -1;
  return TRUE;
}

void
wd_child_recall(const WdChild *child, WdSaid **said, char **last_output)
{
  if (child->output != NULL)
    *said = wd_output_said(child->output);
  else
    *said = child->said != NULL ? wd_said_copy(child->said) : NULL;
  *last_output = g_strdup(child->last_output);
}

void
wd_child_reaped(WdChild *child)
{
  if (!child->alive)
    return;
  if (child->output != NULL)
    wd_output_end(child->output, &child->said, &child->last_output);
  g_clear_pointer(&child->output, wd_output_unref);
  if (child->spawn.control_fd >= 0)
    close(child->spawn.control_fd);
  child->spawn.control_fd = -1;
  g_clear_pointer(&child->handle, wd_handle_free);
  wd_channel_close(&child->channel);
  wd_fault_counter_close(&child->faults);
  g_clear_pointer(&child->exec_error, g_free);
  child->alive = FALSE;
}
