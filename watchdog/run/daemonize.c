#include "watchdog/run/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"

/* Success is a byte, not the end of the pipe, because a child that fails closes the pipe, too. */
static G_NORETURN void
wait_for(pid_t child, int fd)
{
  char done;
  int status;
  if (TEMP_FAILURE_RETRY(read(fd, &done, sizeof done)) == sizeof done)
    _exit(EXIT_SUCCESS);
  const pid_t ended = (pid_t)TEMP_FAILURE_RETRY(waitpid(child, &status, 0));
  _exit(ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

gboolean
wd_daemonize(int *done_fd, GError **error)
{
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    return wd_errno_error(error, "--daemonize");
  const pid_t child = fork();
  if (child > 0) {
    close(ends[1]);
    wait_for(child, ends[0]);
  }
  const int saved = errno;
  close(ends[0]);
  if (child == 0 && setsid() >= 0 && chdir("/") == 0) {
    *done_fd = ends[1];
    return TRUE;
  }
  close(ends[1]);
  errno = child < 0 ? saved : errno;
  return wd_errno_error(error, "--daemonize");
}

gboolean
wd_daemonize_done(int done_fd, GError **error)
{
  const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  gboolean given_up = null_fd >= 0;
  for (int fd = STDIN_FILENO; given_up && fd <= STDERR_FILENO; fd++)
    given_up = dup2(null_fd, fd) == fd;
  if (!given_up)
    wd_errno_error(error, "--daemonize: /dev/null");
  if (null_fd >= 0)
    close(null_fd);
  /* If the parent is gone, nobody waits. */
  const gssize told = given_up ? TEMP_FAILURE_RETRY(write(done_fd, "d", 1)) : 0;
  (void)told;
  close(done_fd);
  return given_up;
}
