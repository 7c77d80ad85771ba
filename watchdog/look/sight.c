#include "watchdog/look/sight.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "watchdog/look/process-details.h"
#include "watchdog/look/procfs.h"

struct WdSight {
  gint64 pid;
  WdProcReader reader;
  int pidfd;          /* -1: the kernel has none */
  WdThreads *threads; /* as they were remembered last; NULL: never */
};

WdSight *
wd_sight_new(gint64 pid, gint64 start_ticks)
{
  WdProcReader reader;
  if (!wd_proc_reader_open(&reader, pid, NULL))
    return NULL;
  WdSight *sight = g_new0(WdSight, 1);
  sight->pid = pid;
  sight->reader = reader;
  sight->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
  /* Looked at afterwards, so that the descriptor is that process's, too. */
  if (wd_proc_reader_start_ticks(&reader) != start_ticks) {
    wd_sight_free(sight);
    return NULL;
  }
  return sight;
}

void
wd_sight_free(WdSight *sight)
{
  if (sight == NULL)
    return;
  if (sight->pidfd >= 0)
    close(sight->pidfd);
  wd_threads_free(sight->threads);
  wd_proc_reader_close(&sight->reader);
  g_free(sight);
}

int
wd_sight_pidfd(const WdSight *sight)
{
  return sight->pidfd;
}

/* That a file can't be read is no proof of a process's end, as long as there is a better one. */
gboolean
wd_sight_lives(const WdSight *sight)
{
  struct pollfd ended = {.fd = sight->pidfd, .events = POLLIN};
  if (sight->pidfd < 0)
    return wd_proc_reader_lives(&sight->reader);
  return poll(&ended, 1, 0) != 1;
}

gboolean
wd_sight_sample(const WdSight *sight, WdSample *sample)
{
  return (sight->pidfd >= 0 || wd_sight_lives(sight)) &&
         wd_proc_reader_sample(&sight->reader, FALSE, sample);
}

void
wd_sight_remember_threads(WdSight *sight)
{
  wd_threads_free(sight->threads);
  sight->threads = wd_process_threads_read(sight->pid);
}

char *
wd_sight_details(const WdSight *sight)
{
  g_autofree char *details = wd_process_details_read(sight->pid, sight->threads);
  /* Looked at afterwards: it may have been somebody else's. */
  return wd_sight_lives(sight) ? g_steal_pointer(&details) : NULL;
}
