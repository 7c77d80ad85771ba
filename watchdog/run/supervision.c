#include "watchdog/run/supervision.h"

#include <malloc.h>
#include <unistd.h>

#include "watchdog/core/machine/supervise.h"
#include "watchdog/core/settings/query-names.h"
#include "watchdog/core/settings/settings-changes.h"
#include "watchdog/core/settings/settings-error.h"
#include "watchdog/look/managed-extensions.h"
#include "watchdog/look/process-tree.h"
#include "watchdog/look/procfs.h"
#include "watchdog/look/program-file.h"
#include "watchdog/look/settings-reader.h"
#include "watchdog/record/log.h"
#include "watchdog/record/private-directory.h"
#include "watchdog/run/daemonize.h"
#include "watchdog/run/descriptors.h"
#include "watchdog/run/main-loop.h"
#include "watchdog/run/pidfile.h"
#include "watchdog/run/program-help.h"
#include "watchdog/run/roster.h"
#include "watchdog/run/run-mark.h"
#include "watchdog/run/self-protection.h"
#include "watchdog/run/service-manager.h"

/* Otherwise the C library gives almost each thread a heap of its own, and keeps what is free in
 * each. Ours hardly ever allocate at the same time. */
#define HEAPS 2

/* How long the last events may take to be written when everything else is done. */
#define FINISH_WAIT_US (2 * G_TIME_SPAN_SECOND)

/* Everything that a run holds; run_clear() frees it in the order that is needed. */
typedef struct {
  const char *const *argv;
  WdSettings *settings; /* as last read */
  char *worker_path;
  WdPrivateDirectory *state_dir;
  WdPrivateDirectory *runtime_dir;
  char *boot_id;
  char *run_id;
  char *mark;          /* a secret; the run's id isn't, because the events show it */
  char *oom_score_adj; /* what children set theirs to; NULL: as ours */
  gboolean orphans_are_ours;
  int daemonized_fd; /* -1: we are no daemon, or its caller has gone on already */
  WdPidfile *pidfile;
  WdRunRecord *record;
  GPtrArray *extensions; /* of WdManagedExtension, as last listed */
  GHashTable *warned;    /* of char *: the warnings that were logged */
  WdRoster *roster;
  WdWriter *writer;
  GPtrArray *in_effect; /* of WdSetting */
  WdListener *listener; /* NULL: what children write isn't captured */
} Run;

/* Not even SIGKILL ends a process that waits for its disk. A worker that is left would hold the
 * database's lock against the worker of the next start. */
static gboolean
left_behind(void)
{
  g_autoptr(GArray) children = wd_process_tree_children(getpid());
  return children->len > 0;
}

static void
run_clear(Run *run)
{
  gboolean hangs = FALSE;
  if (run->writer != NULL && !wd_writer_finish(run->writer, FINISH_WAIT_US, &hangs))
    wd_log("the last events could not be written");
  wd_roster_free(run->roster); /* which reads what is left, if a process couldn't be ended */
  wd_listener_finish(run->listener);
  wd_log_finish();
  g_clear_pointer(&run->extensions, g_ptr_array_unref);
  g_clear_pointer(&run->warned, g_hash_table_unref);
  g_clear_pointer(&run->in_effect, g_ptr_array_unref);
  wd_run_record_finish(run->record, left_behind());
  if (run->daemonized_fd >= 0)
    close(run->daemonized_fd);
  if (!hangs) { /* otherwise a thread may still write, so they stay locked until we are gone */
    wd_private_directory_free(run->runtime_dir);
    wd_private_directory_free(run->state_dir);
  }
  /* Last: whoever waits for it may use everything else. */
  wd_pidfile_free(run->pidfile);
  g_free(run->worker_path);
  g_free(run->boot_id);
  g_free(run->run_id);
  g_free(run->mark);
  g_free(run->oom_score_adj);
  wd_settings_free(run->settings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* --- preparing --- */

/* Each once in a run, however often the settings are read again. */
static void
log_warnings(Run *run, const GPtrArray *warnings)
{
  if (run->warned == NULL)
    run->warned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < warnings->len; i++) {
    const char *warning = g_ptr_array_index(warnings, i);
    if (g_hash_table_add(run->warned, g_strdup(warning)))
      wd_logf("warning: %s", warning);
  }
}

static gboolean
find_programs(Run *run, GError **error)
{
  /* From now on, this path is checked and executed, even if PATH or the working directory
   * changes. */
  run->worker_path = wd_program_file_find(run->settings->osqueryd_argv[0], error);
  if (run->worker_path == NULL ||
      !wd_program_file_check(run->worker_path, run->settings->allow_unsafe, error))
    return FALSE;
  g_autoptr(GError) unreadable = NULL;
  run->extensions = wd_managed_extensions_list(run->settings, run->settings->warnings, &unreadable);
  /* As osquery: goes on without them. */
  if (unreadable != NULL)
    wd_settings_warn(run->settings->warnings, "no extensions are loaded: %s", unreadable->message);
  return TRUE;
}

static gboolean
may_daemonize(const WdSettings *settings, GError **error)
{
  if (!settings->daemonize || !wd_service_manager_present())
    return TRUE;
  g_set_error_literal(error, WD_SETTINGS_ERROR, WD_SETTINGS_ERROR_USAGE,
                      "--daemonize: the service manager waits for this process (Type=notify), "
                      "which must not go to the background");
  return FALSE;
}

static gboolean
go_to_background(Run *run, GError **error)
{
  return !run->settings->daemonize || wd_daemonize(&run->daemonized_fd, error);
}

/* Nothing has been started yet, and nothing can prevent the start any more. */
static gboolean
be_in_background(Run *run, GError **error)
{
  const int fd = run->daemonized_fd;
  run->daemonized_fd = -1;
  return fd < 0 || wd_daemonize_done(fd, error);
}

/* If osqueryd runs already, under its own watcher, nothing else is touched. */
static gboolean
take_pidfile(Run *run, GError **error)
{
  if (run->settings->pidfile == NULL)
    return TRUE;
  run->pidfile = wd_pidfile_take(run->settings->pidfile, run->settings->force, error);
  return run->pidfile != NULL;
}

/* After going to the background, because a forked child doesn't inherit the directory's lock. If
 * the directory can't be claimed, the writer logs why and tries again. Without the claim, nothing
 * is recorded there: the watchdog that holds it would take our processes for leftovers of its own.
 */
static void
end_leftovers(Run *run)
{
  guint ended = 0;
  const gint64 grace_s = run->settings->limits.forced_shutdown_delay_s;
  /* Before anything is forked. We may have children already, if a shell had some and then became
   * us. And PID 1 of a container inherits all orphans. */
  g_autoptr(GArray) children = wd_process_tree_children(getpid());
  run->orphans_are_ours = getpid() != 1 && children->len == 0;
  run->boot_id = wd_procfs_boot_id();
  run->run_id = g_uuid_string_random();
  run->mark = g_uuid_string_random();
  (void)wd_private_directory_claim(run->runtime_dir, NULL);
  run->record = wd_run_record_open(run->runtime_dir, run->boot_id, run->mark,
                                   grace_s * G_USEC_PER_SEC, &ended);
  if (ended > 0)
    wd_logf("ended %u processes that an earlier osquery-watchdogd left behind", ended);
}

/* --name_queries. A flag that osqueryd doesn't list isn't added. */
static void
name_queries(const Run *run)
{
  WdSettings *settings = run->settings;
  if (!wd_query_names_wanted(settings))
    return;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) unknown = g_ptr_array_new();
  g_autofree char *mark = g_strconcat(WD_RUN_VARIABLE "=", run->mark, NULL);
  g_auto(GStrv) environment = wd_child_environment(mark, FALSE, NULL);
  g_autofree char *help =
      wd_program_help(run->worker_path, settings->osqueryd_argv[0], environment, &error);
  if (help == NULL) {
    wd_logf("--name_queries adds no flag: %s", error->message);
    return;
  }
  g_auto(GStrv) before = settings->osqueryd_argv;
  settings->osqueryd_argv = wd_query_names_argv(settings, help, unknown);
  for (guint i = 0; i < unknown->len; i++)
    wd_logf("--name_queries: this osqueryd has no --%s",
            (const char *)g_ptr_array_index(unknown, i));
}

static gboolean
make_roster(Run *run, GError **error)
{
  run->oom_score_adj = wd_self_protect();
  run->roster = wd_roster_new(
      run->settings, run->worker_path, run->extensions, wd_private_directory_path(run->state_dir),
      wd_private_directory_path(run->runtime_dir), run->mark, run->oom_score_adj, error);
  return run->roster != NULL;
}

/* In watchdog_settings. */
static void
show_settings(Run *run, const WdSettings *settings)
{
  g_autoptr(GPtrArray) before = g_steal_pointer(&run->in_effect);
  run->in_effect = wd_settings_in_effect(before, settings, run->worker_path);
  wd_writer_set_settings(run->writer, g_ptr_array_ref(run->in_effect));
}

static gboolean
start_writer(Run *run, GError **error)
{
  const WdWriterOptions options = {
      .state_dir = run->state_dir,
      .runtime_dir = run->runtime_dir,
      .run_id = run->run_id,
      .boot_id = run->boot_id,
      .watchdog_pid = getpid(),
      .history_max = run->settings->history_max,
      .history_expiry_s = run->settings->history_expiry_s,
  };
  run->writer = wd_writer_start(&options, error);
  if (run->writer == NULL)
    return FALSE;
  show_settings(run, run->settings);
  return TRUE;
}

static void
start_listener(Run *run)
{
  g_autoptr(GError) error = NULL;
  if (wd_listener_obstacle(run->settings) != NULL)
    return;
  run->listener = wd_listener_start(&error);
  if (run->listener == NULL)
    wd_logf("what processes write isn't captured: %s", error->message);
  run->roster->traits.listener = run->listener;
}

/* --- reloading --- */

static void
feed_wanted(const Run *run, const GPtrArray *paths, gboolean wanted, WdDriver *driver)
{
  for (guint i = 0; i < paths->len; i++) {
    const guint index =
        wd_supervise_find_extension(run->roster->machine, g_ptr_array_index(paths, i));
    if (wd_supervise_wants(run->roster->machine, index) != wanted)
      wd_driver_feed(driver,
                     &(WdInput){.kind = WD_INPUT_WANTED, .process = index, .wanted = wanted});
  }
}

/* Reads the settings and the list of extensions again; if either fails, nothing changes. */
static void
reload(gpointer data, WdDriver *driver)
{
  Run *run = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(WdSettings) settings = wd_settings_read(run->argv, &error);
  if (settings != NULL && settings->runs_once != NULL) {
    wd_logf("reload: nothing is changed: %s", settings->runs_once);
    return;
  }
  g_autoptr(GPtrArray) extensions =
      settings != NULL ? wd_managed_extensions_list(settings, settings->warnings, &error) : NULL;
  if (error != NULL) {
    wd_logf("reload: nothing is changed: %s", error->message);
    return;
  }
  log_warnings(run, settings->warnings);
  log_warnings(run, settings->faults);
  g_autoptr(GPtrArray) added = NULL;
  g_autoptr(GPtrArray) removed = NULL;
  wd_roster_compare(run->roster, extensions, &added, &removed);
  g_autoptr(WdSettingsChanges) changes =
      wd_settings_changes(run->settings, settings, added, removed);
  if (changes == NULL) {
    wd_log("reload: nothing has changed");
    return;
  }
  const WdLimits limits =
      wd_settings_reloaded_limits(wd_machine_limits(run->roster->machine), &settings->limits);
  wd_roster_extend(run->roster, extensions);
  show_settings(run, settings);
  wd_driver_feed(driver, &(WdInput){.kind = WD_INPUT_SETTINGS,
                                    .settings = {.limits = &limits,
                                                 .details = changes->details,
                                                 .message = changes->message}});
  feed_wanted(run, removed, FALSE, driver);
  feed_wanted(run, added, TRUE, driver);
  wd_settings_free(run->settings);
  run->settings = g_steal_pointer(&settings);
}

/* --- running --- */

int
wd_supervision_run(const char *const *argv, WdSettings *settings, GError **error)
{
  g_auto(Run) run = {
      .argv = argv,
      .settings = settings,
      .daemonized_fd = -1,
      .state_dir = wd_private_directory_new(settings->state_dir),
      .runtime_dir = wd_private_directory_new(settings->runtime_dir),
  };
  (void)mallopt(M_ARENA_MAX, HEAPS); /* if it can't be, it only costs memory */
  if (!wd_descriptors_open_standard(error))
    return WD_EXIT_FAILED;
  wd_descriptors_keep_from_children();
  if (!may_daemonize(settings, error) || !find_programs(&run, error) ||
      !go_to_background(&run, error) || !take_pidfile(&run, error))
    return WD_EXIT_FAILED;
  end_leftovers(&run);
  name_queries(&run);
  if (!make_roster(&run, error) || !wd_main_loop_block_signals(error))
    return WD_EXIT_FAILED;
  wd_log_start();
  log_warnings(&run, settings->warnings);
  log_warnings(&run, settings->faults);
  if (!start_writer(&run, error) || !be_in_background(&run, error))
    return WD_EXIT_FAILED;
  start_listener(&run);
  const WdMainLoopParts parts = {
      .roster = run.roster,
      .record = run.record,
      .writer = run.writer,
      .orphans_are_ours = run.orphans_are_ours,
      .reload = reload,
      .reload_data = &run,
  };
  const int exit_code = wd_main_loop_run(&parts, error);
  return exit_code < 0 ? WD_EXIT_FAILED : exit_code;
}
