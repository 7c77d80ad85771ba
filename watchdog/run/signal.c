#include "watchdog/run/signal.h"

#include <signal.h>
#include <sys/pidfd.h>

/* Without a pidfd some time passes between the check and the kill. To hit another process, this one
 * would have to be reaped in that time, and all other pids be used before its own is again. */
gboolean
wd_signal_send(const WdHandle *handle, int signo)
{
  const int pidfd = wd_handle_pidfd(handle);
  if (pidfd >= 0)
    return pidfd_send_signal(pidfd, signo, NULL, 0) == 0;
  return wd_handle_lives(handle) && kill((pid_t)wd_handle_pid(handle), signo) == 0;
}
