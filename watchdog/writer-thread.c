#include "watchdog/writer-thread.h"

#include <signal.h>

GThread *
wd_writer_thread_start(const char *name, GThreadFunc function, gpointer data, GError **error)
{
  sigset_t all, before;
  (void)sigfillset(&all); /* these fail for no valid arguments */
  (void)pthread_sigmask(SIG_BLOCK, &all, &before);
  GThread *thread = g_thread_try_new(name, function, data, error);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return thread;
}
