#include "watchdog/run/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watchdog/base/same-file.h"
#include "watchdog/look/procfs.h"
#include "watchdog/record/log.h"
#include "watchdog/run/signal.h"

/* As osquery's five tries, two seconds apart (osquery/core/init.cpp, initDaemon). */
#define FORCE_WAIT_US (10 * G_TIME_SPAN_SECOND)
/* A child that a killed watchdog had forked, but not let exec, holds the lock until it exits. */
#define DYING_WAIT_US (500 * G_TIME_SPAN_MILLISECOND)
#define POLL_US (10 * G_TIME_SPAN_MILLISECOND)
#define LINKS_MAX 8
/* File systems that show no file's true inode exist. */
#define OPEN_TRIES 5

struct WdPidfile {
  char *path; /* no link */
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

/* By its name, which the kernel cuts at 15 bytes: osqueryd's, that of an osquery-watchdogd 0.1.0,
 * or ours, where osqueryd is called something else. */
static gboolean
is_osquery(const WdProcStat *stat)
{
  char own[WD_PROC_NAME_SIZE] = "";
  (void)prctl(PR_GET_NAME, own);
  return g_str_has_prefix(stat->name, "osqueryd") || g_str_equal(stat->name, "osquery-watchdo") ||
         g_str_equal(stat->name, own);
}

/* The process that the file names, if it lives; NULL: none. @stat: set with it. */
static WdHandle *
open_owner(int fd, WdProcStat *stat)
{
  const gint64 pid = read_owner(fd);
  return wd_procfs_read_stat(pid, stat) ? wd_handle_open_known(pid, stat->start_ticks) : NULL;
}

static gboolean
kill_owner(const WdHandle *owner, const WdProcStat *stat, const char *path, GError **error)
{
  if (owner != NULL && is_osquery(stat) && wd_signal_send(owner, SIGKILL)) {
    wd_logf("Killing osqueryd process: %" G_GINT64_FORMAT, wd_handle_pid(owner));
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
    g_usleep(POLL_US);
  }
}

/* Its locks on other files may go a moment after this one's. */
static void
wait_until_gone(const WdHandle *owner)
{
  const gint64 deadline_us = g_get_monotonic_time() + DYING_WAIT_US;
  while (owner != NULL && wd_handle_lives(owner) && g_get_monotonic_time() < deadline_us)
    g_usleep(POLL_US);
}

static gboolean
lock(int fd, const char *path, gboolean force, GError **error)
{
  WdProcStat stat;
  if (lock_within(fd, 0))
    return TRUE;
  g_autoptr(WdHandle) owner = open_owner(fd, &stat);
  if (!lock_within(fd, DYING_WAIT_US)) {
    if (errno != EWOULDBLOCK)
      return fail(error, path);
    if (!force) {
      g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                  "pidfile %s: locked by process %" G_GINT64_FORMAT
                  ": osqueryd runs already (--force among its flags kills it)",
                  path, read_owner(fd));
      return FALSE;
    }
    if (!kill_owner(owner, &stat, path, error))
      return FALSE;
    if (!lock_within(fd, FORCE_WAIT_US))
      return fail(error, path);
  }
  wait_until_gone(owner);
  return TRUE;
}

/* Where the link at @path leads. Returns: NULL with @error. */
static char *
follow(const char *path, GError **error)
{
  char target[PATH_MAX];
  struct stat status;
  /* The link itself, so that it can't become another one between the check and its use. */
  const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  const gssize length =
      fd >= 0 && fstat(fd, &status) == 0 ? readlinkat(fd, "", target, sizeof target - 1) : -1;
  if (length < 0)
    fail(error, path);
  if (fd >= 0)
    close(fd);
  if (length < 0)
    return NULL;
  if (status.st_uid != 0 && status.st_uid != geteuid()) {
    g_set_error(
        error, G_FILE_ERROR, G_FILE_ERROR_ACCES,
        "pidfile %s: a symbolic link that user %u made: only root's and our own are followed", path,
        status.st_uid);
    return NULL;
  }
  target[length] = '\0';
  g_autofree char *directory = g_path_get_dirname(path);
  return target[0] == '/' ? g_strdup(target) : g_build_filename(directory, target, NULL);
}

/* It would be removed in the end, be it /dev/null. */
static gboolean
require_regular(const struct stat *status, const char *path, GError **error)
{
  if (S_ISREG(status->st_mode))
    return TRUE;
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "pidfile %s: is not a regular file", path);
  return FALSE;
}

/* @path: replaced by where its links lead. Returns: -1 with @error. */
static int
open_file(char **path, GError **error)
{
  struct stat status;
  int fd;
  for (guint links = 0;; links++) {
    fd = open(*path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd >= 0 || errno != ELOOP || links == LINKS_MAX)
      break;
    char *target = follow(*path, error);
    if (target == NULL)
      return -1;
    g_free(*path);
    *path = target;
  }
  if (fd < 0) {
    fail(error, *path);
    return -1;
  }
  if (fstat(fd, &status) == 0 ? require_regular(&status, *path, error) : fail(error, *path))
    return fd;
  close(fd);
  return -1;
}

/* As open_file(). The file's last owner may remove it between the open and the lock. */
static int
open_and_lock(char **path, gboolean force, GError **error)
{
  for (guint tries = 1;; tries++) {
    const int fd = open_file(path, error);
    if (fd < 0)
      return -1;
    if (!lock(fd, *path, force, error)) {
      close(fd);
      return -1;
    }
    if (wd_is_same_file(fd, *path) || tries == OPEN_TRIES)
      return fd;
    close(fd);
  }
}

static gboolean
fill(int fd, const char *path, GError **error)
{
  g_autofree char *text = g_strdup_printf("%d", (int)getpid());
  const gssize length = (gssize)strlen(text);
  return (fchmod(fd, 0600) == 0 && fchown(fd, geteuid(), getegid()) == 0 && ftruncate(fd, 0) == 0 &&
          pwrite(fd, text, (gsize)length, 0) == length) ||
         fail(error, path);
}

WdPidfile *
wd_pidfile_take(const char *path, gboolean force, GError **error)
{
  g_autofree char *file = g_strdup(path);
  const int fd = open_and_lock(&file, force, error);
  if (fd < 0)
    return NULL;
  if (!fill(fd, file, error)) {
    close(fd);
    return NULL;
  }
  WdPidfile *pidfile = g_new0(WdPidfile, 1);
  pidfile->path = g_steal_pointer(&file);
  pidfile->fd = fd;
  return pidfile;
}

gboolean
wd_pidfile_check(const char *path, GError **error)
{
  g_autofree char *file = g_strdup(path);
  struct stat status;
  int found = lstat(file, &status);
  for (guint links = 0; found == 0 && S_ISLNK(status.st_mode); links++) {
    if (links == LINKS_MAX) {
      errno = ELOOP;
      return fail(error, file);
    }
    char *target = follow(file, error);
    if (target == NULL)
      return FALSE;
    g_free(file);
    file = target;
    found = lstat(file, &status);
  }
  if (found == 0)
    return require_regular(&status, file, error) &&
           (access(file, R_OK | W_OK) == 0 || fail(error, file));
  g_autofree char *directory = g_path_get_dirname(file);
  return (errno == ENOENT && access(directory, W_OK | X_OK) == 0) || fail(error, file);
}

void
wd_pidfile_free(WdPidfile *pidfile)
{
  if (pidfile == NULL)
    return;
  /* While we have the lock, nobody else takes the file. But a script may have removed it, and
   * another daemon have made a new one. */
  if (wd_is_same_file(pidfile->fd, pidfile->path))
    unlink(pidfile->path);
  close(pidfile->fd);
  g_free(pidfile->path);
  g_free(pidfile);
}
