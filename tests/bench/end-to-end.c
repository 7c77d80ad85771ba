#include "tests/bench/end-to-end.h"

#include "thrift/client.h"
#include "thrift/types.h"

#include <glib/gstdio.h>

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)

struct EndToEnd {
  char *directory;
  char *socket;
  GSubprocess *worker;
  GSubprocess *extension;
};

static void
end(GSubprocess *process)
{
  if (process == NULL)
    return;
  g_subprocess_force_exit(process);
  (void)g_subprocess_wait(process, NULL, NULL);
  g_object_unref(process);
}

void
end_to_end_stop(EndToEnd *ends)
{
  if (ends == NULL)
    return;
  end(ends->extension);
  end(ends->worker);
  g_autoptr(GDir) entries = g_dir_open(ends->directory, 0, NULL);
  const char *name;
  while (entries != NULL && (name = g_dir_read_name(entries)) != NULL)
    if (g_str_has_prefix(name, "em")) {
      g_autofree char *path = g_build_filename(ends->directory, name, NULL);
      (void)g_remove(path); /* what stays keeps the directory, and is seen by that */
    }
  g_free(ends->directory);
  g_free(ends->socket);
  g_free(ends);
}

static GSubprocess *
start(GError **error, const char *const *argv)
{
  g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_setenv(launcher, "OSQUERY_WORKER", "1", TRUE);
  return g_subprocess_launcher_spawnv(launcher, argv, error);
}

gint64
end_to_end_extension(EndToEnd *ends, const char *sql, GError **error)
{
  const WirePeer peer = {.path = ends->socket, .deadline_us = g_get_monotonic_time() + PATIENCE_US};
  g_autoptr(GPtrArray) rows = wire_query(&peer, sql, error);
  return rows == NULL ? -1 : (gint64)rows->len;
}

EndToEnd *
end_to_end_start(const char *directory, GError **error)
{
  EndToEnd *ends = g_new0(EndToEnd, 1);
  wire_init();
  ends->directory = g_strdup(directory);
  ends->socket = g_build_filename(directory, "em", NULL);
  g_autofree char *socket = g_strconcat("--extensions_socket=", ends->socket, NULL);
  g_autofree char *state = g_strconcat("--state_dir=", directory, NULL);
  g_autofree char *runtime = g_strconcat("--runtime_dir=", directory, NULL);
  ends->worker = start(error, (const char *const[]){OSQUERYD, socket, "--ephemeral", NULL});
  if (ends->worker != NULL)
    ends->extension = start(
        error, (const char *const[]){EXTENSION, "--socket", ends->socket, state, runtime, NULL});
  const gint64 deadline_us = g_get_monotonic_time() + PATIENCE_US;
  while (ends->extension != NULL) {
    g_autoptr(GError) failure = NULL;
    if (end_to_end_extension(ends, "SELECT 1 FROM watchdog_events WHERE eid = 0", &failure) >= 0)
      return ends;
    if (g_get_monotonic_time() > deadline_us) {
      g_propagate_error(error, g_steal_pointer(&failure));
      break;
    }
    g_usleep(10000);
  }
  end_to_end_stop(ends);
  return NULL;
}

gboolean
end_to_end_ctl(EndToEnd *ends, const char *sql, GError **error)
{
  g_autoptr(GSubprocess) ctl = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE, error, CTL,
                                                "--state_dir", ends->directory, "--runtime_dir",
                                                ends->directory, "--json", "query", sql, NULL);
  return ctl != NULL && g_subprocess_wait_check(ctl, NULL, error);
}

double
end_to_end_extension_cpu_us(EndToEnd *ends)
{
  g_autofree char *tasks =
      g_strdup_printf("/proc/%s/task", g_subprocess_get_identifier(ends->extension));
  g_autoptr(GDir) entries = g_dir_open(tasks, 0, NULL);
  double used_us = 0;
  const char *name;
  while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
    g_autofree char *path = g_build_filename(tasks, name, "schedstat", NULL);
    g_autofree char *text = NULL;
    if (g_file_get_contents(path, &text, NULL, NULL))
      used_us += g_ascii_strtod(text, NULL) / 1000;
  }
  return used_us;
}
