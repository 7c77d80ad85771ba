#include "watchdog/base/thread.h"

#include <signal.h>

struct WdThread {
  GThread *thread;
  WdThreadFunction function;
  gpointer data;
  GMutex mutex;
  GCond changed;
  gboolean ended; /* under the mutex */
};

static gpointer
run(gpointer data)
{
  WdThread *thread = data;
  thread->function(thread->data);
  g_mutex_lock(&thread->mutex);
  thread->ended = TRUE;
  g_cond_signal(&thread->changed);
  g_mutex_unlock(&thread->mutex);
  return NULL;
}

static void
thread_free(WdThread *thread)
{
  g_mutex_clear(&thread->mutex);
  g_cond_clear(&thread->changed);
  g_free(thread);
}

WdThread *
wd_thread_start(const char *name, WdThreadFunction function, gpointer data, GError **error)
{
  WdThread *thread = g_new0(WdThread, 1);
  thread->function = function;
  thread->data = data;
  g_mutex_init(&thread->mutex);
  g_cond_init(&thread->changed);
  sigset_t all, before;
  (void)sigfillset(&all); /* these fail for no valid arguments */
  (void)pthread_sigmask(SIG_BLOCK, &all, &before);
  thread->thread = g_thread_try_new(name, run, thread, error);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (thread->thread == NULL)
    g_clear_pointer(&thread, thread_free);
  return thread;
}

gboolean
wd_thread_join(WdThread *thread, gint64 deadline_us)
{
  g_mutex_lock(&thread->mutex);
  while (!thread->ended && g_cond_wait_until(&thread->changed, &thread->mutex, deadline_us))
    ;
  const gboolean ended = thread->ended;
  g_mutex_unlock(&thread->mutex);
  if (!ended)
    return FALSE;
  g_thread_join(thread->thread);
  thread_free(thread);
  return TRUE;
}
