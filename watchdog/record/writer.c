#include "watchdog/record/writer.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "watchdog/base/errno-error.h"
#include "watchdog/base/thread.h"
#include "watchdog/record/history-keeper.h"
#include "watchdog/record/status-writer.h"
#include "watchdog/store/database.h"

/* Some minutes of the worst storm; about 5 MB. */
#define QUEUE_MAX 10000
/* For an attempt that is under way when the time to finish ends. */
#define FINISH_SLACK_US (500 * G_TIME_SPAN_MILLISECOND)

struct WdWriter {
  WdThread *thread; /* the history's */
  WdStatusWriter *status;
  int event_fd;

  GMutex mutex;
  GCond changed;
  /* under the mutex */
  GQueue events;       /* of WdEvent, owned */
  guint64 queued;      /* seq of the newest event that was ever among them */
  gint64 finish_by_us; /* G_MAXINT64: not asked to finish */
  guint64 stored;
  gboolean failing; /* the last attempt to store has failed */
  guint64 lost;
  WdRecovery *recovery; /* not yet collected; NULL: none */
  GPtrArray *given_up;  /* likewise */

  /* the thread's own */
  WdHistoryKeeper keeper;
};

/* --- the thread --- */

static void
notify(WdWriter *writer)
{
  const guint64 one = 1;
  const gssize written = write(writer->event_fd, &one, sizeof one);
  (void)written; /* only fails when it is readable already */
}

static void
report(WdWriter *writer, WdRecovery *recovery)
{
  g_mutex_lock(&writer->mutex);
  WdRecovery *replaced = writer->recovery;
  writer->recovery = recovery;
  g_mutex_unlock(&writer->mutex);
  wd_recovery_free(replaced); /* the newest one describes the present history */
  notify(writer);
}

static void
hand_over_given_up(WdWriter *writer)
{
  if (writer->keeper.given_up == NULL)
    return;
  g_mutex_lock(&writer->mutex);
  writer->given_up = g_steal_pointer(&writer->keeper.given_up);
  g_mutex_unlock(&writer->mutex);
  notify(writer);
}

/* Takes up to WD_HISTORY_BATCH_MAX of the oldest events, which stay queued until they are durable.
 * Only this thread removes events, so the pointers stay valid without the mutex. */
static gsize
peek_batch(WdWriter *writer, WdEvent **batch)
{
  gsize n = 0;
  g_mutex_lock(&writer->mutex);
  for (GList *link = writer->events.head; link != NULL && n < WD_HISTORY_BATCH_MAX;
       link = link->next)
    batch[n++] = link->data;
  g_mutex_unlock(&writer->mutex);
  return n;
}

static void
drop_batch(WdWriter *writer, gsize n)
{
  GPtrArray *written = g_ptr_array_new_full((guint)n, (GDestroyNotify)wd_event_free);
  g_mutex_lock(&writer->mutex);
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add(written, g_queue_pop_head(&writer->events));
  const WdEvent *last = g_ptr_array_index(written, n - 1);
  writer->stored = last->seq;
  g_mutex_unlock(&writer->mutex);
  notify(writer);
  g_ptr_array_unref(written); /* without the mutex, which the main loop may wait for */
}

static void
note_outcome(WdWriter *writer, gboolean done)
{
  g_mutex_lock(&writer->mutex);
  const gboolean news = writer->failing == done;
  writer->failing = !done;
  g_mutex_unlock(&writer->mutex);
  if (news)
    notify(writer);
}

static void
write_events(WdWriter *writer)
{
  WdEvent *batch[WD_HISTORY_BATCH_MAX];
  WdRecovery *recovery = NULL;
  const gsize n = peek_batch(writer, batch);
  const gboolean done = wd_history_keeper_append(&writer->keeper, batch, n, &recovery);
  if (recovery != NULL)
    report(writer, recovery);
  hand_over_given_up(writer);
  note_outcome(writer, done);
  if (done && n > 0)
    drop_batch(writer, n);
  wd_status_writer_settled(writer->status, done ? writer->keeper.durable : G_MAXUINT64,
                           writer->keeper.base);
}

static void
write_all(WdWriter *writer)
{
  if (g_get_monotonic_time() >= writer->keeper.retry_at_us)
    write_events(writer);
  if (g_get_monotonic_time() >= wd_history_keeper_due_us(&writer->keeper))
    wd_history_keeper_prune(&writer->keeper);
}

/* With the mutex held. Returns: FALSE when there is nothing more to do. */
static gboolean
wait_for_work(WdWriter *writer)
{
  WdHistoryKeeper *keeper = &writer->keeper;
  for (;;) {
    const gint64 now_us = g_get_monotonic_time();
    const gboolean events = !g_queue_is_empty(&writer->events);
    const gboolean finishing = writer->finish_by_us != G_MAXINT64;
    gint64 until_us = wd_history_keeper_due_us(keeper);
    if (finishing) {
      until_us = writer->finish_by_us;
      const gboolean wait = wd_history_keeper_has_history(keeper);
      keeper->retry_at_us = MIN(keeper->retry_at_us, now_us + (wait ? WD_HISTORY_RETRY_US : 0));
    }
    if (events)
      until_us = MIN(until_us, keeper->retry_at_us);
    if (finishing && (!events || now_us >= writer->finish_by_us))
      return FALSE;
    if (now_us >= until_us)
      return TRUE;
    g_cond_wait_until(&writer->changed, &writer->mutex, until_us);
  }
}

static void
history_thread(gpointer data)
{
  WdWriter *writer = data;
  writer->keeper.floor = wd_status_writer_shown_eid(writer->status);
  g_mutex_lock(&writer->mutex);
  gboolean hopeless = FALSE;
  while (!hopeless && wait_for_work(writer)) {
    const gboolean finishing = writer->finish_by_us != G_MAXINT64;
    g_mutex_unlock(&writer->mutex);
    write_all(writer);
    /* What can't even be opened is tried once more at the end, and not waited for. */
    hopeless = finishing && !wd_history_keeper_has_history(&writer->keeper);
    g_mutex_lock(&writer->mutex);
  }
  g_mutex_unlock(&writer->mutex);
  wd_history_keeper_clear(&writer->keeper);
}

/* --- the main thread --- */

/* Only when neither thread runs. */
static void
writer_free(WdWriter *writer)
{
  g_queue_clear_full(&writer->events, (GDestroyNotify)wd_event_free);
  g_mutex_clear(&writer->mutex);
  g_cond_clear(&writer->changed);
  close(writer->event_fd);
  wd_recovery_free(writer->recovery);
  g_clear_pointer(&writer->given_up, g_ptr_array_unref);
  g_free(writer);
}

WdWriter *
wd_writer_start(const WdWriterOptions *options, GError **error)
{
  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) {
    wd_errno_error(error, "eventfd");
    return NULL;
  }
  WdWriter *writer = g_new0(WdWriter, 1);
  writer->keeper = (WdHistoryKeeper){
      .directory = options->state_dir,
      .path =
          g_build_filename(wd_private_directory_path(options->state_dir), WD_HISTORY_FILE, NULL),
      .run_id = g_strdup(options->run_id),
      .boot_id = g_strdup(options->boot_id),
      .watchdog_pid = options->watchdog_pid,
      .max_rows = options->history_max,
      .expiry_s = options->history_expiry_s,
      .base = WD_NONE,
  };
  writer->event_fd = event_fd;
  writer->finish_by_us = G_MAXINT64;
  g_mutex_init(&writer->mutex);
  g_cond_init(&writer->changed);
  g_queue_init(&writer->events);
  wd_database_keep_small(); /* nothing else in this program uses SQLite */
  writer->status = wd_status_writer_start(options->runtime_dir, error);
  if (writer->status != NULL)
    writer->thread = wd_thread_start("history", history_thread, writer, error);
  if (writer->thread != NULL)
    return writer;
  if (writer->status != NULL) {
    wd_status_writer_finish(writer->status, 0);
    (void)wd_status_writer_join(writer->status, G_MAXINT64); /* has nothing to wait for */
  }
  wd_history_keeper_clear(&writer->keeper);
  writer_free(writer);
  return NULL;
}

void
wd_writer_append(WdWriter *writer, WdEvent *event)
{
  g_mutex_lock(&writer->mutex);
  const gboolean full = g_queue_get_length(&writer->events) >= QUEUE_MAX;
  if (full)
    writer->lost++;
  else {
    writer->queued = event->seq;
    g_queue_push_tail(&writer->events, event);
  }
  g_mutex_unlock(&writer->mutex);
  if (full)
    wd_event_free(event);
}

void
wd_writer_publish(WdWriter *writer, GPtrArray *rows)
{
  g_mutex_lock(&writer->mutex);
  const guint64 seq = writer->queued;
  g_mutex_unlock(&writer->mutex);
  wd_status_writer_publish(writer->status, rows, seq);
}

void
wd_writer_set_settings(WdWriter *writer, GPtrArray *settings)
{
  wd_status_writer_set_settings(writer->status, settings);
}

void
wd_writer_wake(WdWriter *writer)
{
  g_mutex_lock(&writer->mutex);
  const gboolean work = !g_queue_is_empty(&writer->events);
  g_mutex_unlock(&writer->mutex);
  /* After unlocking, because a thread woken with the mutex held would go to sleep again at once. */
  if (work)
    g_cond_signal(&writer->changed);
  wd_status_writer_wake(writer->status);
}

int
wd_writer_fd(const WdWriter *writer)
{
  return writer->event_fd;
}

void
wd_writer_collect(WdWriter *writer, guint64 *stored, guint64 *lost, WdRecovery **recovery)
{
  guint64 ignored;
  const gssize n = read(writer->event_fd, &ignored, sizeof ignored);
  (void)n; /* not readable: nothing has changed */
  g_mutex_lock(&writer->mutex);
  *stored = writer->failing ? G_MAXUINT64 : writer->stored;
  *recovery = g_steal_pointer(&writer->recovery);
  *lost = g_queue_is_empty(&writer->events) ? writer->lost : 0;
  writer->lost -= *lost;
  g_mutex_unlock(&writer->mutex);
}

GPtrArray *
wd_writer_take_given_up(WdWriter *writer)
{
  g_mutex_lock(&writer->mutex);
  GPtrArray *given_up = g_steal_pointer(&writer->given_up);
  g_mutex_unlock(&writer->mutex);
  return given_up;
}

gboolean
wd_writer_finish(WdWriter *writer, gint64 wait_us, gboolean *hangs)
{
  const gint64 finish_by_us = g_get_monotonic_time() + wait_us;
  const gint64 deadline_us = finish_by_us + FINISH_SLACK_US;
  /* The last state must be written in time even if its events can't be. */
  wd_status_writer_finish(writer->status, finish_by_us - wait_us / 2);
  g_mutex_lock(&writer->mutex);
  writer->finish_by_us = finish_by_us;
  g_cond_signal(&writer->changed);
  g_mutex_unlock(&writer->mutex);
  *hangs = !wd_thread_join(writer->thread, deadline_us) ||
           !wd_status_writer_join(writer->status, deadline_us);
  if (*hangs)
    return FALSE;
  const gboolean empty = g_queue_is_empty(&writer->events);
  writer_free(writer);
  return empty;
}
