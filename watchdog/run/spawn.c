#include "watchdog/run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/run/descriptors.h"
#include "watchdog/run/self-protection.h"

#define EXIT_NOT_STARTED 127

/* Everything that the child needs, prepared before the fork. After it only async-signal-safe calls
 * are allowed, because another thread may hold any lock. */
typedef struct {
  const WdProgram *program;
  char **environment; /* one entry is pid_entry */
  char *pid_entry;    /* "NAME=", with room for the digits behind */
  gsize pid_entry_length;
  int control_fd;
  int null_fd;
  pid_t parent;
} Child;

/* Decimal digits, without the C library's formatting, which isn't async-signal-safe. */
static void
append_pid(char *at, pid_t pid)
{
  char digits[16];
  gsize n = 0;
  guint value = (guint)pid;
  do {
    digits[n++] = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  while (n > 0)
    *at++ = digits[--n];
  *at = '\0';
}

static void
reset_signals(void)
{
  struct sigaction action;
  sigset_t none;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  /* This fails, rightly, for SIGKILL, SIGSTOP and the signals that the C library uses itself. */
  for (int signo = 1; signo < NSIG; signo++)
    (void)sigaction(signo, &action, NULL);
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static gboolean
wait_for_go(int fd)
{
  char go;
  return TEMP_FAILURE_RETRY(recv(fd, &go, sizeof go, 0)) == sizeof go;
}

/* Reports errno. */
static G_NORETURN void
fail(int fd)
{
  const int error_number = errno;
  (void)TEMP_FAILURE_RETRY(send(fd, &error_number, sizeof error_number, MSG_NOSIGNAL));
  _exit(EXIT_NOT_STARTED);
}

static G_NORETURN void
run_child(const Child *child)
{
  const WdProgram *program = child->program;
  reset_signals();
  if (prctl(PR_SET_PDEATHSIG, program->death_signal) < 0 || setpgid(0, 0) < 0 ||
      dup2(child->null_fd, STDIN_FILENO) < 0 ||
      (program->stderr_fd >= 0 && dup2(program->stderr_fd, STDERR_FILENO) < 0))
    fail(child->control_fd);
  /* We may have lost the parent before the death signal was in place. */
  if (getppid() != child->parent || !wait_for_go(child->control_fd))
    _exit(EXIT_NOT_STARTED);
  /* Where these are refused, the child is as safe from the kernel, and as nice, as we are. */
  if (program->oom_score_adj != NULL)
    (void)wd_oom_score_set(program->oom_score_adj);
  if (program->niceness != 0)
    (void)setpriority(PRIO_PROCESS, 0, program->niceness);
  if (program->fd_variable != NULL && fcntl(program->inherited_fd, F_SETFD, 0) < 0)
    fail(child->control_fd);
  append_pid(child->pid_entry + child->pid_entry_length, getpid());
  execve(program->path, program->argv, child->environment);
  fail(child->control_fd);
}

gboolean
wd_spawn(const WdProgram *program, WdSpawn *spawn, GError **error)
{
  int pair[2];
  gsize variables = 0;
  while (program->environment[variables] != NULL)
    variables++;
  g_autofree char **environment = g_new0(char *, variables + 3);
  /* A pid has at most ten digits. */
  g_autofree char *pid_entry = g_strdup_printf("%s=0123456789", program->pid_variable);
  for (gsize i = 0; i < variables; i++)
    environment[i] = program->environment[i];
  environment[variables] = pid_entry;
  g_autofree char *fd_entry = NULL;
  if (program->fd_variable != NULL)
    environment[variables + 1] = fd_entry =
        g_strdup_printf("%s=%d", program->fd_variable, program->inherited_fd);

  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
    return wd_errno_error(error, "socketpair");
  const int null_fd = wd_descriptors_open_null(O_CLOEXEC);
  if (null_fd < 0) {
    wd_errno_error(error, "/dev/null");
    close(pair[0]);
    close(pair[1]);
    return FALSE;
  }
  const Child child = {
      .program = program,
      .environment = environment,
      .pid_entry = pid_entry,
      .pid_entry_length = strlen(program->pid_variable) + 1,
      .control_fd = pair[1],
      .null_fd = null_fd,
      .parent = getpid(),
  };
  const pid_t pid = fork();
  if (pid == 0) {
    close(pair[0]);
    run_child(&child);
  }
  const int saved = errno;
  close(null_fd);
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    errno = saved;
    return wd_errno_error(error, "fork");
  }
  *spawn = (WdSpawn){.pid = pid, .control_fd = pair[0]};
  return TRUE;
}

gboolean
wd_spawn_go(const WdSpawn *spawn, GError **error)
{
  return TEMP_FAILURE_RETRY(send(spawn->control_fd, "g", 1, MSG_NOSIGNAL | MSG_DONTWAIT)) == 1 ||
         wd_errno_error(error, "starting the process");
}

WdExecState
wd_spawn_poll(const WdSpawn *spawn, int *error_number)
{
  int reported;
  const gssize n =
      TEMP_FAILURE_RETRY(recv(spawn->control_fd, &reported, sizeof reported, MSG_DONTWAIT));
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return WD_EXEC_PENDING;
  if (n != sizeof reported)
    return WD_EXEC_DONE;
  *error_number = reported;
  return WD_EXEC_FAILED;
}
