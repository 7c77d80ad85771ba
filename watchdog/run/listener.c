#include "watchdog/run/listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "watchdog/base/cpu-time.h"
#include "watchdog/base/errno-error.h"
#include "watchdog/base/thread.h"
#include "watchdog/core/output/pace.h"
#include "watchdog/record/log.h"

/* Checks and signals come first. */
#define NICENESS 10
#define FINISH_WAIT_US (1 * G_TIME_SPAN_SECOND)
/* Outputs of ended processes that somebody else may still write to; the oldest are given up. */
#define ENDED_MAX 64

struct WdListener {
  WdRelay *relay;
  WdThread *thread;
  int wake_fd;      /* an eventfd */
  gboolean refused; /* the main thread's: a pipe couldn't be opened, which was logged */
  GMutex mutex;
  GPtrArray *outputs; /* under the mutex; of WdOutput */
  gboolean finishing; /* under the mutex */
  WdPace pace;        /* the thread's own, as the next one */
  gint64 cpu_us;      /* what was used when the pace was last looked at */
  WdPace patience;    /* of time spent waiting for the relay */
};

/* --- the thread --- */

/* Those that are listened to now, of WdOutput. */
static GPtrArray *
take_outputs(WdListener *listener, gboolean *finishing)
{
  GPtrArray *outputs = g_ptr_array_new_with_free_func((GDestroyNotify)wd_output_unref);
  g_mutex_lock(&listener->mutex);
  *finishing = listener->finishing;
  for (guint i = 0; i < listener->outputs->len; i++)
    g_ptr_array_add(outputs, wd_output_ref(g_ptr_array_index(listener->outputs, i)));
  g_mutex_unlock(&listener->mutex);
  return outputs;
}

static void
forget(WdListener *listener, GPtrArray *outputs, guint index)
{
  g_mutex_lock(&listener->mutex);
  g_ptr_array_remove(listener->outputs, g_ptr_array_index(outputs, index));
  g_mutex_unlock(&listener->mutex);
  g_ptr_array_remove_index(outputs, index);
}

/* Removes those from @outputs, too, that aren't listened to any more. Returns: when the first of
 * the rest needs care again. */
static gint64
care(WdListener *listener, GPtrArray *outputs)
{
  const gint64 now_us = g_get_monotonic_time();
  gint64 due_us = G_MAXINT64;
  guint ended = 0;
  for (guint i = outputs->len; i > 0; i--) { /* the newest first */
    WdOutput *output = g_ptr_array_index(outputs, i - 1);
    const gint64 next_us = wd_output_care(output, now_us);
    const gboolean closed = wd_output_fd(output) < 0;
    if ((closed && next_us == G_MAXINT64) ||
        ((closed || wd_output_has_ended(output)) && ++ended > ENDED_MAX))
      forget(listener, outputs, i - 1);
    else
      due_us = MIN(due_us, next_us);
  }
  return due_us;
}

static int
until_ms(gint64 due_us)
{
  if (due_us == G_MAXINT64)
    return -1;
  const gint64 wait_us = MAX(due_us - g_get_monotonic_time(), 0);
  return (int)MIN(wait_us / G_TIME_SPAN_MILLISECOND + 1, G_MAXINT);
}

/* Rests for as long as the pace demands; less if there is something new. */
static void
keep_pace(WdListener *listener)
{
  const gint64 now_us = g_get_monotonic_time();
  const gint64 cpu_us = wd_cpu_time_us() + wd_relay_cpu_us(listener->relay);
  const gint64 rest_us = wd_pace_take(&listener->pace, cpu_us - listener->cpu_us, now_us);
  struct pollfd wake = {.fd = listener->wake_fd, .events = POLLIN};
  listener->cpu_us = cpu_us;
  if (rest_us > 0)
    (void)poll(&wake, 1, until_ms(now_us + rest_us));
}

/* A relay that merely didn't get a CPU in time must not lose lines. But while one takes nothing, or
 * little, this takes only a small share of the time, so that no child is held up by it. */
static void
be_patient(WdListener *listener)
{
  const gint64 now_us = g_get_monotonic_time();
  if (wd_relay_await_room(listener->relay, now_us) ||
      wd_pace_take(&listener->patience, 0, now_us) > 0)
    return;
  (void)wd_relay_await_room(listener->relay, now_us + listener->patience.left_us);
  const gint64 then_us = g_get_monotonic_time();
  (void)wd_pace_take(&listener->patience, then_us - now_us, then_us);
}

/* Waits until one of them has something, or needs care at @due_us, or there are others to listen
 * to; reads a little of each that has something. */
static void
listen_to(WdListener *listener, const GPtrArray *outputs, gint64 due_us)
{
  guint64 woken;
  g_autofree struct pollfd *polls = g_new0(struct pollfd, outputs->len + 1);
  for (guint i = 0; i < outputs->len; i++)
    polls[i] = (struct pollfd){.fd = wd_output_fd(g_ptr_array_index(outputs, i)), .events = POLLIN};
  polls[outputs->len] = (struct pollfd){.fd = listener->wake_fd, .events = POLLIN};
  if (poll(polls, outputs->len + 1, until_ms(due_us)) <= 0)
    return;
  if (polls[outputs->len].revents != 0)
    (void)!read(listener->wake_fd, &woken, sizeof woken); /* that it is empty, then, is enough */
  for (guint i = 0; i < outputs->len; i++)
    if (polls[i].revents != 0) {
      wd_output_read(g_ptr_array_index(outputs, i));
      be_patient(listener);
      keep_pace(listener);
    }
}

static void
listener_thread(gpointer data)
{
  WdListener *listener = data;
  gboolean finishing = FALSE;
  (void)!nice(NICENESS); /* of this thread alone; where it is refused, as we are */
  listener->pace = listener->patience = wd_pace_begin(g_get_monotonic_time());
  while (!finishing) {
    g_autoptr(GPtrArray) outputs = take_outputs(listener, &finishing);
    for (guint i = 0; finishing && i < outputs->len; i++)
      wd_output_finish(g_ptr_array_index(outputs, i));
    if (!finishing)
      listen_to(listener, outputs, care(listener, outputs));
  }
}

/* --- the main thread --- */

/* At a terminal, a child that asks whether its stderr is one must get the same answer as without
 * us, for its colours and progress bars. A daemon leaves the terminal. */
const char *
wd_listener_obstacle(const WdSettings *settings)
{
  if (!settings->capture_output)
    return "--nocapture_output";
  return !settings->daemonize && isatty(STDERR_FILENO) != 0 ? "stderr is a terminal" : NULL;
}

static void
wake(const WdListener *listener)
{
  const guint64 one = 1;
  (void)!write(listener->wake_fd, &one, sizeof one); /* it can't be so full that this fails */
}

static void
listener_free(WdListener *listener)
{
  if (listener->relay != NULL)
    wd_relay_finish(listener->relay, g_get_monotonic_time() + FINISH_WAIT_US);
  if (listener->wake_fd >= 0)
    close(listener->wake_fd);
  g_ptr_array_unref(listener->outputs);
  g_mutex_clear(&listener->mutex);
  g_free(listener);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdListener, listener_free)

WdListener *
wd_listener_start(GError **error)
{
  g_autoptr(WdListener) listener = g_new0(WdListener, 1);
  g_mutex_init(&listener->mutex);
  listener->outputs = g_ptr_array_new_with_free_func((GDestroyNotify)wd_output_unref);
  listener->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listener->wake_fd < 0) {
    wd_errno_error(error, "eventfd");
    return NULL;
  }
  listener->relay = wd_relay_start(error);
  if (listener->relay == NULL)
    return NULL;
  listener->thread = wd_thread_start("output", listener_thread, listener, error);
  return listener->thread != NULL ? g_steal_pointer(&listener) : NULL;
}

void
wd_listener_finish(WdListener *listener)
{
  if (listener == NULL)
    return;
  g_mutex_lock(&listener->mutex);
  listener->finishing = TRUE;
  g_mutex_unlock(&listener->mutex);
  wake(listener);
  if (wd_thread_join(listener->thread, g_get_monotonic_time() + FINISH_WAIT_US))
    listener_free(listener); /* otherwise it has no CPU time now, and still uses all this */
}

WdOutput *
wd_listener_open(WdListener *listener, gboolean says_queries, int *child_fd)
{
  g_autoptr(GError) error = NULL;
  WdOutput *output =
      wd_output_open(listener->relay, listener->wake_fd, says_queries, child_fd, &error);
  if (output == NULL && !listener->refused)
    wd_logf("what processes write can't be captured: %s", error->message);
  listener->refused = output == NULL;
  return output;
}

void
wd_listener_add(WdListener *listener, WdOutput *output)
{
  g_mutex_lock(&listener->mutex);
  g_ptr_array_add(listener->outputs, wd_output_ref(output));
  g_mutex_unlock(&listener->mutex);
  wake(listener);
}
