/* osqueryd, as far as someone who supervises its worker or talks to its manager can tell. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stand-in/help.h"
#include "tests/stand-in/manager.h"
#include "tests/stand-in/process.h"
#include "tests/stand-in/watcher.h"
#include "thrift/types.h"

#define EXIT_CATASTROPHIC 78
#define PARENT_CHECK_US (3 * G_USEC_PER_SEC)
#define ALARM_STEP_US (200 * 1000) /* osquery counts in such steps, and one more */
#define DEFAULT_FLAGFILE "/etc/osquery/osquery.flags.default"
/* osquery/database/database.cpp */
#define LOCK_TRIES 25
#define LOCK_DELAY_US (200 * 1000)

typedef struct {
  StandFlags *flags;
  StandMisbehaviour misbehaviour;
  pid_t watcher;
} Worker;

static char *
read_file(const char *path, G_GNUC_UNUSED gpointer user_data, GError **error)
{
  char *text = NULL;
  return g_file_get_contents(path, &text, NULL, error) ? text : NULL;
}

static gboolean
names_flagfile(char **argv)
{
  for (char **word = argv; *word != NULL; word++)
    if (g_str_has_prefix(*word, "--flagfile"))
      return TRUE;
  return FALSE;
}

/* Two workers must not share a database: who comes second waits, and gives up after five seconds.
 * The lock goes with the process. Only for a database that was named: the default is the system's,
 * and a stand-in has nothing to keep there. */
static gboolean
lock_database(const StandFlags *flags)
{
  if (!stand_flags_is_set(flags, "database_path") || stand_flags_bool(flags, "disable_database"))
    return TRUE;
  const char *path = stand_flags_text(flags, "database_path");
  g_autofree char *lock_path = g_build_filename(path, "LOCK", NULL);
  if (g_mkdir_with_parents(path, 0700) != 0)
    return FALSE;
  int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
    if (fcntl(fd, F_SETLK, &lock) == 0)
      return TRUE;
    g_usleep(LOCK_DELAY_US);
  }
  return FALSE;
}

static void
note(const Worker *worker, const char *text)
{
  if (stand_flags_bool(worker->flags, "verbose"))
    g_printerr("osqueryd stand-in (%d): %s\n", (int)getpid(), text);
}

/* Returns: TRUE when the worker has to end: it was asked to, or its parent went. FALSE at
 * @end_us. */
static gboolean
wait_for_end(const Worker *worker, StandManager *manager, gint64 end_us)
{
  for (;;) {
    gint64 now_us = g_get_monotonic_time();
    int number = stand_next_signal(&worker->misbehaviour, MIN(now_us + PARENT_CHECK_US, end_us));
    if (number == SIGUSR1) {
      note(worker, "resource limit hit");
      if (manager != NULL)
        stand_manager_limit_hit(manager);
    }
    if (number != 0)
      return TRUE;
    if (getppid() != worker->watcher) {
      note(worker, "the watcher is gone");
      return TRUE;
    }
    if (g_get_monotonic_time() >= end_us)
      return FALSE;
  }
}

static int
run(Worker *worker)
{
  if (!lock_database(worker->flags)) {
    g_printerr("osqueryd: cannot lock the database %s\n",
               stand_flags_text(worker->flags, "database_path"));
    return EXIT_CATASTROPHIC;
  }
  gint64 late_us = g_atomic_int_get(&worker->misbehaviour.slow_socket_ms) * G_GINT64_CONSTANT(1000);
  if (late_us > 0 && wait_for_end(worker, NULL, g_get_monotonic_time() + late_us))
    return EXIT_SUCCESS;

  g_autoptr(StandStatusLog) log = stand_status_log_new(worker->flags);
  StandManager *manager = NULL;
  if (!stand_flags_bool(worker->flags, "disable_extensions")) {
    const StandManagerOptions options = {worker->flags, log, worker->watcher,
                                         &worker->misbehaviour};
    g_autoptr(GError) error = NULL;
    manager = stand_manager_new(&options, &error);
    if (manager == NULL) /* osqueryd goes on without it, too */
      g_printerr("osqueryd: cannot start the extension manager: %s\n", error->message);
  }
  note(worker, "running");
  (void)wait_for_end(worker, manager, G_MAXINT64);

  gint64 alarm_us = stand_flags_number(worker->flags, "alarm_timeout") * G_USEC_PER_SEC;
  gint64 deadline_us = g_get_monotonic_time() + alarm_us + ALARM_STEP_US;
  if (manager != NULL && !stand_manager_stop(manager, deadline_us))
    _exit(EXIT_CATASTROPHIC);
  return EXIT_SUCCESS;
}

/* As osqueryd does: whoever looks at the command line of a worker sees only its name. */
static void
blank_arguments(int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    memset(argv[i], 0, strlen(argv[i]));
}

int
main(int argc, char **argv)
{
  if (stand_help_is_asked((const char *const *)argv)) {
    g_autofree char *help = stand_help();
    return fputs(help, stdout) == EOF || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  const char *first =
      !names_flagfile(argv) && access(DEFAULT_FLAGFILE, R_OK) == 0 ? DEFAULT_FLAGFILE : NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(StandFlags) flags =
      stand_flags_parse((const char *const *)argv, first, read_file, NULL, &error);
  if (flags == NULL) {
    g_printerr("%s\n", error->message);
    return EXIT_FAILURE;
  }
  stand_block_signals();
  if (getenv("OSQUERY_WORKER") == NULL) {
    if (!stand_flags_bool(flags, "disable_watchdog"))
      return stand_watcher_run(flags, argv);
    g_printerr("osqueryd: this stand-in is a watcher, or with OSQUERY_WORKER set a worker, but not "
               "both in one\n");
    return EXIT_FAILURE;
  }
  blank_arguments(argc, argv);
  wire_init();
  Worker worker = {.flags = flags, .watcher = getppid()};
  if (!stand_misbehave(&worker.misbehaviour, stand_flags_text(flags, "misbehave"), &error)) {
    g_autofree char *help = stand_misbehave_help();
    g_printerr("osqueryd: --misbehave: %s; known are\n%s", error->message, help);
    return EXIT_FAILURE;
  }
  return run(&worker);
}
