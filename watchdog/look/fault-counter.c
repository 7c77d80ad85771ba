#include "watchdog/look/fault-counter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A fault may bring in a huge page of 2 MiB, so these may bring in 64 MiB, which even a small limit
 * can bear. A lower number would wake us more often for the few faults of an idle process. */
#define FAULTS_A_SIGNAL 32

static int
open_event(pid_t pid)
{
  struct perf_event_attr attributes = {
      .type = PERF_TYPE_SOFTWARE,
      .size = sizeof attributes,
      .config = PERF_COUNT_SW_PAGE_FAULTS,
      .sample_period = FAULTS_A_SIGNAL,
      .disabled = 1,
      .inherit = 1,
  };
  return (int)syscall(SYS_perf_event_open, &attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static gboolean
ask_for_signals(int fd)
{
  return fcntl(fd, F_SETSIG, WD_FAULT_SIGNAL) == 0 && fcntl(fd, F_SETOWN, getpid()) == 0 &&
         fcntl(fd, F_SETFL, O_ASYNC) == 0;
}

WdFaultCounter
wd_fault_counter_open(pid_t pid)
{
  WdFaultCounter counter = {.fd = open_event(pid)};
  if (counter.fd >= 0 && !ask_for_signals(counter.fd))
    wd_fault_counter_close(&counter);
  return counter;
}

void
wd_fault_counter_arm(WdFaultCounter *counter)
{
  counter->armed = counter->fd >= 0 && ioctl(counter->fd, PERF_EVENT_IOC_ENABLE, 0) == 0;
}

gboolean
wd_fault_counter_take(WdFaultCounter *counter, int signalled_fd)
{
  guint64 count = counter->reported;
  if (!counter->armed)
    return FALSE;
  /* Its own signal may have been lost behind another's. */
  const gboolean counted = read(counter->fd, &count, sizeof count) == sizeof count;
  if (counter->fd != signalled_fd && !(counted && count - counter->reported >= FAULTS_A_SIGNAL))
    return FALSE;
  counter->reported = count;
  counter->armed = FALSE;
  (void)ioctl(counter->fd, PERF_EVENT_IOC_DISABLE, 0);
  return TRUE;
}

void
wd_fault_counter_close(WdFaultCounter *counter)
{
  if (counter->fd >= 0)
    close(counter->fd);
  *counter = WD_FAULT_COUNTER_NONE;
}

int
wd_fault_counter_probe(void)
{
  const int fd = open_event(0);
  if (fd < 0)
    return errno;
  close(fd);
  return 0;
}
