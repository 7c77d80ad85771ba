#include "tests/stand-in/watcher-child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_STEP_US (10 * 1000)

/* Returns: FALSE when it is gone. */
static gboolean
measure(pid_t pid, gint64 *cpu_ms, gint64 *resident_bytes)
{
  g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;
  if (!g_file_get_contents(path, &text, NULL, NULL))
    return FALSE;
  const char *name_end = strrchr(text, ')');
  unsigned long user, system;
  long pages;
  if (name_end == NULL ||
      sscanf(name_end + 1,
             " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u"
             " %ld",
             &user, &system, &pages) != 3)
    return FALSE;
  *cpu_ms = (gint64)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
  *resident_bytes = pages * sysconf(_SC_PAGESIZE);
  return TRUE;
}

const char *
stand_child_check(StandChild *child, const StandLimits *limits)
{
  gint64 cpu_ms, resident_bytes;
  if (!measure(child->pid, &cpu_ms, &resident_bytes))
    return NULL;
  const gint64 allowed_ms =
      limits->utilization * limits->interval_ms * sysconf(_SC_NPROCESSORS_ONLN) / 100;
  const gboolean over = child->cpu_ms >= 0 && cpu_ms - child->cpu_ms > allowed_ms;
  child->strikes = over ? child->strikes + 1 : 0;
  child->cpu_ms = cpu_ms;
  if (child->baseline_bytes == 0) /* kept for the next process, as osquery keeps it */
    child->baseline_bytes = resident_bytes;
  if (over && child->strikes * limits->interval_ms >= limits->latency_ms)
    return "cpu";
  return resident_bytes - child->baseline_bytes > limits->memory_bytes ? "memory" : NULL;
}

gboolean
stand_child_start(StandChild *child, char **argv, const char *variable, gboolean managed)
{
  const pid_t pid = fork();
  if (pid < 0)
    return FALSE;
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    /* osquery forks from a thread of this name, and a child has its thread's name until its exec.
     */
    (void)prctl(PR_SET_NAME, "WatcherRunner");
    (void)signal(SIGPIPE, SIG_DFL);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    g_autofree char *own = g_strdup_printf("%d", (int)getpid());
    if (setenv(variable, own, TRUE) == 0 &&
        (!managed || setenv("OSQUERY_EXTENSIONS", "true", TRUE) == 0))
      execv(child->path, argv);
    _exit(EXIT_FAILURE);
  }
  child->pid = pid;
  child->started_us = g_get_monotonic_time();
  child->cpu_ms = -1;
  child->strikes = 0;
  return TRUE;
}

gboolean
stand_child_reap(StandChild *child, gint64 wait_us, int *status)
{
  const gint64 end_us = g_get_monotonic_time() + wait_us;
  while (waitpid(child->pid, status, WNOHANG) == 0) {
    if (g_get_monotonic_time() >= end_us)
      return FALSE;
    g_usleep(REAP_STEP_US);
  }
  child->pid = 0;
  return TRUE;
}

static void
add_number(GString *line, const char *key, gboolean known, int value)
{
  if (known)
    g_string_append_printf(line, ",\"%s\":%d", key, value);
  else
    g_string_append_printf(line, ",\"%s\":null", key);
}

void
stand_child_note(const StandChild *child, FILE *truth, const char *event, pid_t pid,
                 const char *reason, const char *signals, const int *status)
{
  if (truth == NULL)
    return;
  g_autoptr(GString) line = g_string_new(NULL);
  g_autofree char *name = g_path_get_basename(child->path);
  g_string_append_printf(line, "{\"event\":\"%s\",\"role\":\"%s\",\"name\":\"%s\",\"pid\":%d",
                         event, child->role, name, (int)pid);
  g_string_append_printf(line, ",\"reason\":\"%s\",\"signals\":\"%s\"",
                         reason != NULL ? reason : "", signals != NULL ? signals : "");
  add_number(line, "code", status != NULL && WIFEXITED(*status),
             status != NULL ? WEXITSTATUS(*status) : 0);
  add_number(line, "signal", status != NULL && WIFSIGNALED(*status),
             status != NULL ? WTERMSIG(*status) : 0);
  g_string_append(line, "}\n");
  if (fputs(line->str, truth) == EOF || fflush(truth) != 0)
    g_error("the truth can't be written");
}
