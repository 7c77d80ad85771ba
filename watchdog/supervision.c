#include "watchdog/supervision.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "watchdog/log.h"
#include "watchdog/main-loop.h"
#include "watchdog/managed-extensions.h"
#include "watchdog/pidfile.h"
#include "watchdog/private-directory.h"
#include "watchdog/program-file.h"

/* How long the last events may take to be written when everything else is done. */
#define FINISH_WAIT_US (2 * G_TIME_SPAN_SECOND)

/* As osquery's watcher (osquery/core/init.cpp): children yield to what the host is for. */
#define CHILD_NICENESS 10

/* What a run holds; freed as a whole, in the order in which it must go. */
typedef struct {
  char *state_dir;
  char *runtime_dir;
  char *boot_id;
  int state_lock_fd;
  int runtime_lock_fd;
  WdPidfile *pidfile;
  WdRunRecord *record;
  GPtrArray *extensions; /* of WdManagedExtension */
  GPtrArray *children;   /* of WdChild */
  WdSupervisor *supervisor;
  WdWriter *writer;
} Run;

static void
run_clear(Run *run)
{
  if (run->writer != NULL && !wd_writer_finish(run->writer, FINISH_WAIT_US))
    wd_log("the last events could not be written");
  wd_supervisor_free(run->supervisor);
  g_clear_pointer(&run->children, g_ptr_array_unref);
  g_clear_pointer(&run->extensions, g_ptr_array_unref);
  wd_run_record_finish(run->record);
  wd_pidfile_free(run->pidfile);
  if (run->runtime_lock_fd >= 0)
    close(run->runtime_lock_fd);
  if (run->state_lock_fd >= 0)
    close(run->state_lock_fd);
  g_free(run->state_dir);
  g_free(run->runtime_dir);
  g_free(run->boot_id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* Whoever started us may have closed them: then what we open next would take their place, and our
 * log and our children's output would go there. These three are for children, too. */
static gboolean
open_standard_streams(GError **error)
{
  int fd;
  do
    fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd < 0) {
    const int saved = errno;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "/dev/null: %s",
                g_strerror(saved));
    return FALSE;
  }
  close(fd);
  return TRUE;
}

/* Whatever we were started with open is not for our children. */
static void
keep_descriptors_from_children(void)
{
  g_autoptr(GDir) entries = g_dir_open("/proc/self/fd", 0, NULL);
  if (entries == NULL)
    return;
  for (const char *name = g_dir_read_name(entries); name != NULL; name = g_dir_read_name(entries)) {
    gint64 fd;
    if (g_ascii_string_to_signed(name, 10, STDERR_FILENO + 1, G_MAXINT, &fd, NULL))
      (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
  }
}

static gboolean
prepare_directories(Run *run, const WdSettings *settings, GError **error)
{
  run->state_dir = wd_private_directory_prepare(settings->state_dir, error);
  if (run->state_dir == NULL)
    return FALSE;
  run->runtime_dir = wd_private_directory_prepare(settings->runtime_dir, error);
  if (run->runtime_dir == NULL)
    return FALSE;
  run->state_lock_fd = wd_private_directory_lock(run->state_dir, error);
  if (run->state_lock_fd < 0)
    return FALSE;
  /* Whoever has only this one in common with us would take our processes for leftovers. */
  run->runtime_lock_fd = wd_private_directory_lock(run->runtime_dir, error);
  return run->runtime_lock_fd >= 0;
}

static gboolean
end_leftovers(Run *run, const WdSettings *settings, GError **error)
{
  guint ended = 0;
  g_autofree char *path = g_build_filename(run->runtime_dir, "processes", NULL);
  run->boot_id = wd_procfs_boot_id();
  run->record = wd_run_record_open(
      path, run->boot_id, settings->limits.forced_shutdown_delay_s * G_USEC_PER_SEC, &ended, error);
  if (ended > 0)
    wd_logf("ended %u processes that a crashed osquery-watchdogd left behind", ended);
  return run->record != NULL;
}

/* osqueryd may run already, under its own watcher: then nothing else is touched. */
static gboolean
take_pidfile(Run *run, const WdSettings *settings, GError **error)
{
  if (settings->pidfile == NULL)
    return TRUE;
  run->pidfile = wd_pidfile_take(settings->pidfile, settings->force, error);
  return run->pidfile != NULL;
}

static gboolean
list_extensions(Run *run, const WdSettings *settings, GError **error)
{
  g_autofree char *tables = NULL;
  if (settings->disable_extensions) {
    run->extensions = g_ptr_array_new_with_free_func((GDestroyNotify)wd_managed_extension_free);
    return TRUE;
  }
  if (settings->tables) {
    tables = wd_tables_extension_find(settings->tables_extension, error);
    if (tables == NULL || !wd_program_file_check(tables, settings->allow_unsafe, error))
      return FALSE;
  }
  run->extensions =
      wd_managed_extensions_load(settings->extensions_autoload, tables, settings->allow_unsafe);
  return TRUE;
}

static WdChild *
extension_child(const Run *run, const WdSettings *settings, const WdManagedExtension *extension,
                int niceness)
{
  g_autofree char *state = g_strconcat("OSQUERY_WATCHDOG_STATE_DIR=", run->state_dir, NULL);
  g_autofree char *runtime = g_strconcat("OSQUERY_WATCHDOG_RUNTIME_DIR=", run->runtime_dir, NULL);
  const char *const variables[] = {state, runtime, NULL};
  return wd_child_new_extension(
      extension->path, settings->extensions_socket, settings->limits.extensions_timeout_s,
      settings->limits.extensions_interval_s, settings->verbose,
      extension->is_tables ? variables : NULL, niceness, settings->allow_unsafe);
}

static void
make_supervisor(Run *run, const WdSettings *settings, const char *worker_path,
                gint64 own_start_ticks)
{
  const int niceness =
      settings->limits.enforce && settings->watchdog_level >= 0 ? CHILD_NICENESS : 0;
  g_autofree char *own_path = g_file_read_link("/proc/self/exe", NULL);
  run->supervisor = wd_supervisor_new(&settings->limits, own_path, getpid(), own_start_ticks,
                                      worker_path, g_get_monotonic_time());
  run->children = g_ptr_array_new_with_free_func((GDestroyNotify)wd_child_free);
  g_ptr_array_add(run->children,
                  wd_child_new_worker(worker_path, settings->osqueryd_argv,
                                      run->extensions->len > 0, niceness, settings->allow_unsafe));
  for (guint i = 0; i < run->extensions->len; i++) {
    const WdManagedExtension *extension = g_ptr_array_index(run->extensions, i);
    wd_supervisor_add_extension(run->supervisor, extension->name, extension->path,
                                extension->is_tables);
    g_ptr_array_add(run->children, extension_child(run, settings, extension, niceness));
  }
}

static gboolean
start_writer(Run *run, const WdSettings *settings, GError **error)
{
  g_autofree char *history = g_build_filename(run->state_dir, "history.db", NULL);
  g_autofree char *status = g_build_filename(run->runtime_dir, "status.db", NULL);
  g_autofree char *run_id = g_uuid_string_random();
  const WdWriterOptions options = {
      .history_path = history,
      .status_path = status,
      .run_id = run_id,
      .boot_id = run->boot_id,
      .watchdog_pid = getpid(),
      .history_max = settings->history_max,
      .history_expiry_s = settings->history_expiry_s,
  };
  run->writer = wd_writer_start(&options, error);
  return run->writer != NULL;
}

static gboolean
own_start_ticks(gint64 *ticks, GError **error)
{
  WdProcReader self;
  if (!wd_proc_reader_open(&self, getpid(), error))
    return FALSE;
  *ticks = wd_proc_reader_start_ticks(&self);
  wd_proc_reader_close(&self);
  return TRUE;
}

int
wd_supervision_run(const WdSettings *settings, GError **error)
{
  g_auto(Run) run = {.state_lock_fd = -1, .runtime_lock_fd = -1};
  gint64 start_ticks;
  /* As it stands, against the working directory: nothing is searched for in the environment's PATH.
   */
  g_autofree char *worker_path = g_canonicalize_filename(settings->osqueryd_argv[0], NULL);
  if (!open_standard_streams(error))
    return WD_EXIT_FAILED;
  keep_descriptors_from_children();
  if (!wd_program_file_check(worker_path, settings->allow_unsafe, error) ||
      !own_start_ticks(&start_ticks, error) || !list_extensions(&run, settings, error) ||
      !prepare_directories(&run, settings, error) || !take_pidfile(&run, settings, error) ||
      !end_leftovers(&run, settings, error))
    return WD_EXIT_FAILED;
  make_supervisor(&run, settings, worker_path, start_ticks);
  if (!wd_main_loop_block_signals(error) || !start_writer(&run, settings, error))
    return WD_EXIT_FAILED;
  const WdMainLoopParts parts = {
      .supervisor = run.supervisor,
      .memory_metric = settings->limits.memory_metric,
      .children = run.children,
      .record = run.record,
      .writer = run.writer,
      .manager_socket = settings->extensions_socket,
  };
  const int exit_code = wd_main_loop_run(&parts, error);
  return exit_code < 0 ? WD_EXIT_FAILED : exit_code;
}
