#include "watchdog/run/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"
#include "watchdog/run/signal.h"

/* As osquery's five tries, two seconds apart (osquery/core/init.cpp, initDaemon). */
#define FORCE_WAIT_US (10 * G_TIME_SPAN_SECOND)
/* A child that a killed watchdog had forked, but not let exec, holds the lock until it exits. */
#define DYING_WAIT_US (500 * G_TIME_SPAN_MILLISECOND)
#define FORCE_POLL_US (50 * G_TIME_SPAN_MILLISECOND)

struct WdPidfile {
  char *path;
  int fd;
};

static gboolean
fail(GError **error, const char *path)
{
  const int saved = errno;
  g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(saved), "pidfile %s: %s", path,
              g_strerror(saved));
  return FALSE;
}

/* The pid that the file names, or -1. */
static gint64
read_owner(int fd)
{
  char text[32];
  gint64 pid;
  const gssize n = pread(fd, text, sizeof text - 1, 0);
  if (n <= 0)
    return -1;
  text[n] = '\0';
  return g_ascii_string_to_signed(g_strstrip(text), 10, 2, G_MAXINT32, &pid, NULL) ? pid : -1;
}

/* By its name, which the kernel cuts at 15 bytes. */
static gboolean
is_osquery(const WdProcStat *stat)
{
  return g_str_has_prefix(stat->name, "osqueryd") ||
         g_str_has_prefix(stat->name, "osquery-watchdo");
}

static gboolean
kill_owner(int fd, const char *path, GError **error)
{
  WdProcStat stat;
  const gint64 pid = read_owner(fd);
  const gboolean recognised = wd_procfs_read_stat(pid, &stat) && is_osquery(&stat);
  g_autoptr(WdHandle) owner = recognised ? wd_handle_open_known(pid, stat.start_ticks) : NULL;
  if (owner != NULL && wd_signal_send(owner, SIGKILL)) {
    wd_logf("Killing osqueryd process: %" G_GINT64_FORMAT, pid);
    return TRUE;
  }
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
              "pidfile %s: locked, and --force kills no process that is not an osqueryd", path);
  return FALSE;
}

static gboolean
lock_within(int fd, gint64 wait_us)
{
  const gint64 deadline_us = g_get_monotonic_time() + wait_us;
  for (;;) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
      return TRUE;
    if ((errno != EWOULDBLOCK && errno != EINTR) || g_get_monotonic_time() >= deadline_us)
      return FALSE;
    g_usleep(FORCE_POLL_US);
  }
}

static gboolean
lock(int fd, const char *path, gboolean force, GError **error)
{
  if (lock_within(fd, DYING_WAIT_US))
    return TRUE;
  if (errno == EWOULDBLOCK && force)
    return kill_owner(fd, path, error) && (lock_within(fd, FORCE_WAIT_US) || fail(error, path));
  if (errno != EWOULDBLOCK)
    return fail(error, path);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
              "pidfile %s: locked by process %" G_GINT64_FORMAT
              ": osqueryd runs already (--force among its flags kills it)",
              path, read_owner(fd));
  return FALSE;
}

static gboolean
fill(int fd, const char *path, GError **error)
{
  g_autofree char *text = g_strdup_printf("%d", (int)getpid());
  const gssize length = (gssize)strlen(text);
  return (fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0 &&
          pwrite(fd, text, (gsize)length, 0) == length) ||
         fail(error, path);
}

WdPidfile *
wd_pidfile_take(const char *path, gboolean force, GError **error)
{
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    fail(error, path);
    return NULL;
  }
  if (!lock(fd, path, force, error) || !fill(fd, path, error)) {
    close(fd);
    return NULL;
  }
  WdPidfile *pidfile = g_new0(WdPidfile, 1);
  pidfile->path = g_strdup(path);
  pidfile->fd = fd;
  return pidfile;
}

void
wd_pidfile_free(WdPidfile *pidfile)
{
  if (pidfile == NULL)
    return;
  /* First, while we have the lock: afterwards it may be another's file. */
  unlink(pidfile->path);
  close(pidfile->fd);
  g_free(pidfile->path);
  g_free(pidfile);
}
