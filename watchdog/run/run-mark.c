#include "watchdog/run/run-mark.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watchdog/core/machine/descendants.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"
#include "watchdog/run/signal.h"

#define LONGEST_US (2 * G_TIME_SPAN_SECOND)
#define LOOKS_US (5 * G_TIME_SPAN_MILLISECOND)
/* More than the kernel allows at the start of a program. */
#define ENVIRONMENT_MAX (8 << 20)

/* --- in a process of its own --- */

/* Returns: NULL when there is nothing to read, or we may not. */
static GByteArray *
read_environment(gint64 pid)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/environ", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  guint8 block[16384];
  gssize n;
  while ((n = read(fd, block, sizeof block)) > 0 && bytes->len < ENVIRONMENT_MAX)
    g_byte_array_append(bytes, block, (guint)n);
  close(fd);
  return bytes->len > 0 ? g_steal_pointer(&bytes) : NULL;
}

/* Opens the handle before reading, so that the process killed is the one that was read. Returns:
 * whether it bears the mark. */
static gboolean
end_if_marked(gint64 pid, const char *mark)
{
  WdProcStat stat;
  if (!wd_procfs_read_stat(pid, &stat))
    return FALSE;
  g_autoptr(WdHandle) handle = wd_handle_open_known(pid, stat.start_ticks);
  g_autoptr(GByteArray) environment = handle != NULL ? read_environment(pid) : NULL;
  const gboolean marked =
      environment != NULL &&
      wd_descendants_marked((const char *)environment->data, environment->len, mark);
  if (marked)
    (void)wd_signal_send(handle, SIGKILL);
  return marked;
}

static gboolean
is_of_our_user(gint64 pid)
{
  g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT, pid);
  struct stat status;
  return stat(path, &status) == 0 && status.st_uid == geteuid();
}

/* Writes a byte for each process found, once. Returns: whether there was any. */
static gboolean
look_once(const char *mark, gboolean everyone, GHashTable *counted, int result_fd)
{
  g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
  gboolean any = FALSE;
  if (processes == NULL)
    return FALSE;
  for (const char *name = g_dir_read_name(processes); name != NULL;
       name = g_dir_read_name(processes)) {
    gint64 pid;
    if (!g_ascii_string_to_signed(name, 10, 2, G_MAXINT32, &pid, NULL) || pid == getpid() ||
        (!everyone && !is_of_our_user(pid)) || !end_if_marked(pid, mark))
      continue;
    any = TRUE;
    if (g_hash_table_add(counted, GINT_TO_POINTER((int)pid)) && write(result_fd, "", 1) != 1)
      break;
  }
  return any;
}

/* A process that is about to die may have started another, so one look isn't enough. Other users'
 * processes come last: these users could use up the time with many and large environments. */
static G_NORETURN void
hunt(const char *mark, int result_fd)
{
  g_autoptr(GHashTable) counted = g_hash_table_new(NULL, NULL);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (look_once(mark, FALSE, counted, result_fd) || look_once(mark, TRUE, counted, result_fd))
    g_usleep(LOOKS_US);
  _exit(EXIT_SUCCESS);
}

/* --- in ours --- */

/* Adds to @ended until the hunt is over. Returns: FALSE when it takes too long. */
static gboolean
collect(int result_fd, guint *ended)
{
  const gint64 deadline_us = g_get_monotonic_time() + LONGEST_US;
  for (;;) {
    const gint64 left_us = deadline_us - g_get_monotonic_time();
    struct pollfd waiting = {.fd = result_fd, .events = POLLIN};
    char bytes[64];
    if (left_us <= 0)
      return FALSE;
    const int ready = poll(&waiting, 1, (int)(left_us / G_TIME_SPAN_MILLISECOND) + 1);
    if (ready < 0 && errno != EINTR)
      return FALSE;
    if (ready <= 0)
      continue;
    const gssize n = read(result_fd, bytes, sizeof bytes);
    if (n <= 0)
      return TRUE;
    *ended += (guint)n;
  }
}

/* If the hunter hangs on what it reads, it isn't waited for: the main loop reaps it. */
static guint
wait_for(pid_t hunter, int result_fd)
{
  guint ended = 0;
  const gboolean done = collect(result_fd, &ended);
  if (!done)
    wd_log("looking for what an earlier run left behind took too long: something may still run");
  (void)kill(hunter, SIGKILL);
  (void)waitpid(hunter, NULL, done ? 0 : WNOHANG);
  return ended;
}

guint
wd_run_mark_kill(const char *mark)
{
  g_autofree char *entry = g_strconcat(WD_RUN_VARIABLE "=", mark, NULL);
  int pipe_fds[2];
  guint ended = 0;
  if (g_strcmp0(g_getenv(WD_RUN_VARIABLE), mark) == 0)
    return 0;
  const gboolean piped = pipe2(pipe_fds, O_CLOEXEC) == 0;
  const pid_t hunter = piped ? fork() : -1;
  if (hunter == 0)
    hunt(entry, pipe_fds[1]);
  if (hunter < 0)
    wd_logf("looking for what an earlier run left behind: %s", g_strerror(errno));
  if (!piped)
    return 0;
  close(pipe_fds[1]);
  if (hunter > 0)
    ended = wait_for(hunter, pipe_fds[0]);
  close(pipe_fds[0]);
  return ended;
}
