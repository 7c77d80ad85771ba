#include "tests/stand-in/runner.h"

/* How often it looks for work. Seldom, for a look at the thread shall find it waiting, and
 * osquery's look only once a second. */
#define PAUSE_US (100 * G_TIME_SPAN_MILLISECOND)

struct StandRunner {
  StandRunnerStep step;
  gpointer user_data;
  GThread *thread;
  GMutex lock;
  GCond changed;
  gboolean stopping, ended;
};

static gpointer
thread_main(gpointer data)
{
  StandRunner *runner = data;
  g_mutex_lock(&runner->lock);
  while (!runner->stopping) {
    g_mutex_unlock(&runner->lock);
    const gboolean executed = runner->step(runner->user_data);
    g_mutex_lock(&runner->lock);
    if (!executed && !runner->stopping)
      (void)g_cond_wait_until(&runner->changed, &runner->lock, g_get_monotonic_time() + PAUSE_US);
  }
  runner->ended = TRUE;
  g_cond_broadcast(&runner->changed);
  g_mutex_unlock(&runner->lock);
  return NULL;
}

StandRunner *
stand_runner_start(const char *name, StandRunnerStep step, gpointer user_data)
{
  StandRunner *runner = g_new0(StandRunner, 1);
  runner->step = step;
  runner->user_data = user_data;
  g_mutex_init(&runner->lock);
  g_cond_init(&runner->changed);
  runner->thread = g_thread_new(name, thread_main, runner);
  return runner;
}

gboolean
stand_runner_stop(StandRunner *runner, gint64 deadline_us)
{
  if (runner == NULL)
    return TRUE;
  g_mutex_lock(&runner->lock);
  runner->stopping = TRUE;
  g_cond_broadcast(&runner->changed);
  while (!runner->ended && g_cond_wait_until(&runner->changed, &runner->lock, deadline_us))
    ;
  const gboolean ended = runner->ended;
  g_mutex_unlock(&runner->lock);
  if (!ended)
    return FALSE;
  g_thread_join(runner->thread);
  g_mutex_clear(&runner->lock);
  g_cond_clear(&runner->changed);
  g_free(runner);
  return TRUE;
}
