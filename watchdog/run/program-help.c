#include "watchdog/run/program-help.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"

#define TIME_S 5
#define SIZE_MAX_MIB 1
#define REAP_US (1 * G_TIME_SPAN_SECOND)
#define REAP_STEP_US (1 * G_TIME_SPAN_MILLISECOND)
#define EXIT_NOT_STARTED 127

/* In the child, before the exec: only async-signal-safe calls. */
static void
prepare(gpointer parent)
{
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setpgid(0, 0) < 0 ||
      getppid() != GPOINTER_TO_INT(parent))
    _exit(EXIT_NOT_STARTED);
}

static gboolean
refuse(GError **error, const char *path, const char *problem)
{
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s --help: %s", path, problem);
  return FALSE;
}

/* Whether there is something to read, or the end, by @deadline_us. */
static gboolean
wait_readable(int fd, gint64 deadline_us)
{
  struct pollfd wanted = {.fd = fd, .events = POLLIN};
  gint64 left_us;
  while ((left_us = deadline_us - g_get_monotonic_time()) > 0) {
    const int n = poll(&wanted, 1, (int)(left_us / 1000) + 1);
    if (n > 0 || (n < 0 && errno != EINTR))
      return n > 0;
  }
  return FALSE;
}

static gboolean
read_all(int fd, const char *path, GString *text, GError **error)
{
  const gint64 deadline_us = g_get_monotonic_time() + TIME_S * G_TIME_SPAN_SECOND;
  char block[4096];
  for (;;) {
    if (!wait_readable(fd, deadline_us))
      return refuse(error, path, "no end after " G_STRINGIFY(TIME_S) " s");
    const gssize n = TEMP_FAILURE_RETRY(read(fd, block, sizeof block));
    if (n < 0)
      return wd_errno_error(error, path);
    if (n == 0)
      return TRUE;
    g_string_append_len(text, block, n);
    if (text->len > SIZE_MAX_MIB << 20)
      return refuse(error, path, "more than " G_STRINGIFY(SIZE_MAX_MIB) " MiB");
  }
}

/* The group is killed before its leader is reaped, because its number may be used again afterwards.
 * One that hangs in the kernel is left to whoever reaps our other children. */
static void
end(GPid pid)
{
  const gint64 until_us = g_get_monotonic_time() + REAP_US;
  (void)kill(-pid, SIGKILL);
  while (waitpid(pid, NULL, WNOHANG) == 0 && g_get_monotonic_time() < until_us)
    g_usleep(REAP_STEP_US);
}

/* If our parent ignored SIGCHLD, a child would be reaped before its group is killed. */
static gboolean
keep_dead_children(GError **error)
{
  const struct sigaction action = {.sa_handler = SIG_DFL};
  return sigaction(SIGCHLD, &action, NULL) == 0 || wd_errno_error(error, "signals");
}

char *
wd_program_help(const char *path, const char *name, char **environment, GError **error)
{
  g_autoptr(GString) text = g_string_new(NULL);
  g_autofree char *file = g_strdup(path), *called = g_strdup(name), *word = g_strdup("--help");
  char *argv[] = {file, called, word, NULL};
  GPid pid;
  int out;
  if (!keep_dead_children(error) ||
      !g_spawn_async_with_pipes(NULL, argv, environment,
                                G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO |
                                    G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_CLOEXEC_PIPES,
                                prepare, GINT_TO_POINTER(getpid()), &pid, NULL, &out, NULL, error))
    return NULL;
  const gboolean done = read_all(out, path, text, error);
  close(out);
  end(pid);
  return done ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
