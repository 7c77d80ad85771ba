#include "tests/stand-in/watcher.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/stand-in/process.h"
#include "tests/stand-in/watcher-child.h"

#define EXIT_CATASTROPHIC 78
#define REAP_US (2 * G_USEC_PER_SEC)

typedef struct {
  const StandFlags *flags;
  char **argv;
  StandLimits limits;
  gint64 respawn_limit; /* and the seconds that count as quick */
  gint64 respawn_delay_s;
  FILE *truth; /* NULL: nobody asked for it */
  StandChild worker;
  GArray *extensions;     /* of StandChild */
  gint64 quick_exits;     /* never forgotten */
  StandMisbehaviour none; /* a watcher doesn't misbehave */
} Watcher;

/* Returns: TRUE when asked to stop meanwhile. */
static gboolean
pause_for(const Watcher *watcher, gint64 us)
{
  return stand_next_signal(&watcher->none, g_get_monotonic_time() + us) != 0;
}

/* The level's, unless its own flag is set. */
static gint64
limit_of(const StandFlags *flags, const char *name, gint64 normal, gint64 restrictive, gint64 high)
{
  const gint64 own = stand_flags_number(flags, name);
  const gint64 level = stand_flags_number(flags, "watchdog_level");
  return own > 0 ? own : level == -1 ? high : level == 1 ? restrictive : normal;
}

static void
read_limits(Watcher *watcher)
{
  const StandFlags *flags = watcher->flags;
  const gboolean high = stand_flags_number(flags, "watchdog_level") == -1;
  watcher->limits = (StandLimits){
      .interval_ms = stand_flags_number(flags, "watcher_interval_ms"),
      .memory_bytes = limit_of(flags, "watchdog_memory_limit", 200, 100, 10000) * 1024 * 1024,
      .utilization = limit_of(flags, "watchdog_utilization_limit", 10, 5, 100),
      .latency_ms = limit_of(flags, "watchdog_latency_limit", 12, 6, 1000) * 1000,
  };
  watcher->respawn_limit = high ? 1000 : 4;
  watcher->respawn_delay_s = high ? 1 : 5;
}

static void
read_extensions(Watcher *watcher)
{
  g_autofree char *text = NULL;
  watcher->extensions = g_array_new(FALSE, FALSE, sizeof(StandChild));
  if (stand_flags_bool(watcher->flags, "disable_extensions") ||
      !g_file_get_contents(stand_flags_text(watcher->flags, "extensions_autoload"), &text, NULL,
                           NULL))
    return;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (char **at = lines; *at != NULL; at++) {
    const char *line = g_strstrip(*at);
    if (*line == '\0' || *line == '#' || *line == ';')
      continue;
    const StandChild extension = {.role = "extension", .path = g_strdup(line)};
    g_array_append_val(watcher->extensions, extension);
  }
}

/* The kill sequence. Nothing else is looked at meanwhile. Returns: FALSE when it can't be ended. */
static gboolean
stop_child(const Watcher *watcher, StandChild *child, const char *reason, gboolean tell,
           gint64 grace_us)
{
  const pid_t pid = child->pid;
  int status = 0;
  if (tell)
    (void)kill(pid, SIGUSR1);
  (void)kill(pid, SIGTERM);
  const gboolean graceful = stand_child_reap(child, grace_us, &status);
  if (!graceful) {
    (void)kill(pid, SIGKILL);
    if (!stand_child_reap(child, REAP_US, &status))
      return FALSE;
  }
  const char *const signals[2][2] = {{"TERM,KILL", "TERM"}, {"USR1,TERM,KILL", "USR1,TERM"}};
  stand_child_note(child, watcher->truth, "stopped", pid, reason, signals[tell][graceful], &status);
  return TRUE;
}

static void
stop_all(Watcher *watcher)
{
  const gint64 grace_s = stand_flags_number(watcher->flags, "alarm_timeout") - 4;
  if (watcher->worker.pid != 0)
    (void)stop_child(watcher, &watcher->worker, "request", FALSE, grace_s * G_USEC_PER_SEC);
  for (guint i = 0; i < watcher->extensions->len; i++) {
    StandChild *extension = &g_array_index(watcher->extensions, StandChild, i);
    if (extension->pid != 0)
      (void)stop_child(watcher, extension, "request", FALSE, grace_s * G_USEC_PER_SEC);
  }
}

/* Returns: whether the child still runs; one over its limits is ended, if they are @enforced.
 * @exit_code: set when everything has to end with it; else -1. */
static gboolean
look_after(const Watcher *watcher, StandChild *child, gboolean enforced, gboolean tell,
           int *exit_code)
{
  int status = 0;
  const pid_t pid = child->pid;
  *exit_code = -1;
  if (pid == 0)
    return FALSE;
  if (stand_child_reap(child, 0, &status)) {
    stand_child_note(child, watcher->truth, "exited", pid, NULL, NULL, &status);
    if (tell && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CATASTROPHIC)
      *exit_code = EXIT_CATASTROPHIC;
    return FALSE;
  }
  const char *over = stand_child_check(child, &watcher->limits);
  if (over == NULL || !enforced)
    return TRUE;
  const gint64 grace_s = stand_flags_number(watcher->flags, "watchdog_forced_shutdown_delay");
  if (!stop_child(watcher, child, over, tell, grace_s * G_USEC_PER_SEC))
    *exit_code = EXIT_CATASTROPHIC;
  return FALSE;
}

/* Returns: the exit code when everything has to end; else -1. */
static int
start_worker(Watcher *watcher)
{
  StandChild *worker = &watcher->worker;
  if (worker->started_us != 0) {
    const gint64 lived_us = g_get_monotonic_time() - worker->started_us;
    if (watcher->quick_exits >= watcher->respawn_limit) {
      g_printerr("Too many worker restarts\n");
      stand_child_note(worker, watcher->truth, "gave_up", 0, NULL, NULL, NULL);
      return EXIT_FAILURE;
    }
    if (lived_us < watcher->respawn_limit * G_USEC_PER_SEC) {
      const gint64 most_s = stand_flags_number(watcher->flags, "watchdog_max_delay");
      watcher->quick_exits++;
      const gint64 delay_s =
          watcher->respawn_delay_s + (G_GINT64_CONSTANT(1) << MIN(watcher->quick_exits, 30));
      if (pause_for(watcher, MIN(delay_s, most_s) * G_USEC_PER_SEC))
        return EXIT_SUCCESS;
    }
  }
  if (!stand_child_start(worker, watcher->argv, "OSQUERY_WORKER", watcher->extensions->len > 0))
    return EXIT_FAILURE;
  stand_child_note(worker, watcher->truth, "started", worker->pid, NULL, NULL, NULL);
  return -1;
}

static void
start_extension(const Watcher *watcher, StandChild *extension)
{
  char *argv[9] = {extension->path};
  guint n = 1;
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
  if (stand_flags_bool(watcher->flags, "verbose"))
    g_ptr_array_add(words, g_strdup("--verbose"));
  const char *const flags[][2] = {{"--socket", "extensions_socket"},
                                  {"--timeout", "extensions_timeout"},
                                  {"--interval", "extensions_interval"}};
  for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
    g_ptr_array_add(words, g_strdup(flags[i][0]));
    g_ptr_array_add(words, g_strdup(stand_flags_text(watcher->flags, flags[i][1])));
  }
  for (guint i = 0; i < words->len; i++)
    argv[n++] = g_ptr_array_index(words, i);
  extension->baseline_bytes = 0;
  if (stand_child_start(extension, argv, "OSQUERY_EXTENSION", FALSE))
    stand_child_note(extension, watcher->truth, "started", extension->pid, NULL, NULL, NULL);
}

/* One turn. Returns: the exit code when everything has to end; else -1. */
static int
turn(Watcher *watcher)
{
  int exit_code = -1;
  const gint64 delay_us = stand_flags_number(watcher->flags, "watchdog_delay") * G_USEC_PER_SEC;
  gboolean enforced = g_get_monotonic_time() - watcher->worker.started_us >= delay_us;
  if (!look_after(watcher, &watcher->worker, enforced, TRUE, &exit_code)) {
    if (exit_code < 0)
      exit_code = start_worker(watcher);
    if (exit_code >= 0)
      return exit_code;
  }
  enforced = enforced && stand_flags_bool(watcher->flags, "enable_extensions_watchdog");
  for (guint i = 0; i < watcher->extensions->len; i++) {
    StandChild *extension = &g_array_index(watcher->extensions, StandChild, i);
    if (!look_after(watcher, extension, enforced, FALSE, &exit_code))
      start_extension(watcher, extension);
  }
  return -1;
}

int
stand_watcher_run(const StandFlags *flags, char **argv)
{
  Watcher watcher = {.flags = flags, .argv = argv};
  const char *truth = stand_flags_text(flags, "watcher_truth");
  if (*truth != '\0' && (watcher.truth = fopen(truth, "ae")) == NULL) {
    g_printerr("osqueryd: %s: cannot be written\n", truth);
    return EXIT_FAILURE;
  }
  read_limits(&watcher);
  read_extensions(&watcher);
  watcher.worker = (StandChild){.role = "worker", .path = g_file_read_link("/proc/self/exe", NULL)};
  int exit_code = turn(&watcher);
  while (exit_code < 0)
    exit_code =
        pause_for(&watcher, watcher.limits.interval_ms * 1000) ? EXIT_SUCCESS : turn(&watcher);
  stop_all(&watcher);
  for (guint i = 0; i < watcher.extensions->len; i++)
    g_free(g_array_index(watcher.extensions, StandChild, i).path);
  g_array_unref(watcher.extensions);
  g_free(watcher.worker.path);
  if (watcher.truth != NULL && fclose(watcher.truth) != 0)
    return EXIT_FAILURE;
  return exit_code;
}
