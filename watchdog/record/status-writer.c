#include "watchdog/record/status-writer.h"

#include "watchdog/base/thread.h"
#include "watchdog/record/log.h"
#include "watchdog/store/run.h"
#include "watchdog/store/status.h"

/* The longest time that a state waits for its events. It is a little less than the time between two
 * checks, so that the state is due at the next one. */
#define EVENTS_WAIT_US (2500 * G_TIME_SPAN_MILLISECOND)

struct WdStatusWriter {
  WdThread *thread;

  GMutex mutex;
  GCond changed;
  /* under the mutex */
  GPtrArray *rows;     /* the newest state not yet written; NULL: none */
  GPtrArray *settings; /* those in effect; NULL: they aren't ours to tell */
  guint64 rows_seq;
  gint64 due_us; /* when it is written even without its events */
  guint64 settled_seq;
  gint64 base;
  gint64 shown_eid; /* WD_NONE: not known yet */
  gboolean finishing;

  /* the thread's own */
  WdPrivateDirectory *directory; /* borrowed */
  char *path;
  WdStatus *status;
  GPtrArray *stored; /* the settings that the status has; NULL: none */
  guint claims;      /* of the directory, when it was opened */
  char *trouble;     /* the last one logged */
};

/* --- the thread --- */

static void
close_status(WdStatusWriter *writer)
{
  g_clear_pointer(&writer->status, wd_status_free);
  g_clear_pointer(&writer->stored, g_ptr_array_unref);
}

/* Each time, because somebody may remove the directory while we run. */
static gboolean
open_status(WdStatusWriter *writer, GError **error)
{
  if (!wd_private_directory_claim(writer->directory, error))
    return FALSE;
  if (writer->claims != wd_private_directory_claims(writer->directory))
    close_status(writer);
  writer->claims = wd_private_directory_claims(writer->directory);
  if (writer->status == NULL)
    writer->status = wd_status_open(writer->path, error);
  return writer->status != NULL;
}

/* What an earlier run left is replaced, too. */
static gboolean
write_settings(WdStatusWriter *writer, GPtrArray *settings, GError **error)
{
  if (settings == NULL || settings == writer->stored)
    return TRUE;
  if (!wd_status_write_settings(writer->status, (WdSetting *const *)settings->pdata, settings->len,
                                error))
    return FALSE;
  g_clear_pointer(&writer->stored, g_ptr_array_unref);
  writer->stored = g_ptr_array_ref(settings);
  return TRUE;
}

/* A failure is logged but not retried, because the next state comes soon. */
static void
write_rows(WdStatusWriter *writer, const GPtrArray *rows, GPtrArray *settings, gint64 base)
{
  g_autoptr(GError) error = NULL;
  if (!open_status(writer, &error) || !write_settings(writer, settings, &error) ||
      !wd_status_write(writer->status, (WdProcessStatus *const *)rows->pdata, rows->len, base,
                       &error)) {
    wd_log_store_trouble(&writer->trouble, error);
    close_status(writer);
  } else {
    wd_log_store_mended(&writer->trouble, writer->path);
  }
}

/* If the status is lost, no eid was shown. */
static void
learn_shown_eid(WdStatusWriter *writer)
{
  g_autoptr(GError) error = NULL;
  gint64 eid = 0;
  if (!open_status(writer, &error) || !wd_status_last_eid(writer->status, &eid, &error))
    wd_log_store_trouble(&writer->trouble, error);
  g_mutex_lock(&writer->mutex);
  writer->shown_eid = CLAMP(eid, 0, WD_GREATEST_EID / 2);
  g_cond_broadcast(&writer->changed);
  g_mutex_unlock(&writer->mutex);
}

/* With the mutex held. */
static gboolean
may_write(const WdStatusWriter *writer)
{
  return writer->rows_seq <= writer->settled_seq || g_get_monotonic_time() >= writer->due_us;
}

/* With the mutex held. Returns: FALSE when there is nothing more to do. Once a wait for events has
 * timed out, no state waits until some are settled. */
static gboolean
wait_for_rows(WdStatusWriter *writer)
{
  while (writer->rows == NULL || !may_write(writer)) {
    if (writer->rows != NULL)
      (void)g_cond_wait_until(&writer->changed, &writer->mutex, writer->due_us);
    else if (writer->finishing)
      return FALSE;
    else
      g_cond_wait(&writer->changed, &writer->mutex);
  }
  if (writer->rows_seq > writer->settled_seq)
    writer->settled_seq = G_MAXUINT64;
  return TRUE;
}

static void
status_thread(gpointer data)
{
  WdStatusWriter *writer = data;
  learn_shown_eid(writer);
  g_mutex_lock(&writer->mutex);
  while (wait_for_rows(writer)) {
    g_autoptr(GPtrArray) rows = g_steal_pointer(&writer->rows);
    g_autoptr(GPtrArray) settings =
        writer->settings != NULL ? g_ptr_array_ref(writer->settings) : NULL;
    const gint64 base = writer->base;
    g_mutex_unlock(&writer->mutex);
    write_rows(writer, rows, settings, base);
    g_mutex_lock(&writer->mutex);
  }
  g_mutex_unlock(&writer->mutex);
  close_status(writer);
}

/* --- the other threads --- */

static void
writer_free(WdStatusWriter *writer)
{
  g_clear_pointer(&writer->rows, g_ptr_array_unref);
  g_clear_pointer(&writer->settings, g_ptr_array_unref);
  g_mutex_clear(&writer->mutex);
  g_cond_clear(&writer->changed);
  g_free(writer->path);
  g_free(writer->trouble);
  g_free(writer);
}

WdStatusWriter *
wd_status_writer_start(WdPrivateDirectory *directory, GError **error)
{
  WdStatusWriter *writer = g_new0(WdStatusWriter, 1);
  writer->directory = directory;
  writer->path = g_build_filename(wd_private_directory_path(directory), WD_STATUS_FILE, NULL);
  writer->base = WD_NONE;
  writer->shown_eid = WD_NONE;
  g_mutex_init(&writer->mutex);
  g_cond_init(&writer->changed);
  writer->thread = wd_thread_start("status", status_thread, writer, error);
  if (writer->thread == NULL)
    g_clear_pointer(&writer, writer_free);
  return writer;
}

gint64
wd_status_writer_shown_eid(WdStatusWriter *writer)
{
  g_mutex_lock(&writer->mutex);
  while (writer->shown_eid == WD_NONE)
    g_cond_wait(&writer->changed, &writer->mutex);
  const gint64 eid = writer->shown_eid;
  g_mutex_unlock(&writer->mutex);
  return eid;
}

void
wd_status_writer_settled(WdStatusWriter *writer, guint64 seq, gint64 base)
{
  g_mutex_lock(&writer->mutex);
  writer->settled_seq = seq;
  writer->base = base;
  const gboolean waited = writer->rows != NULL;
  g_mutex_unlock(&writer->mutex);
  if (waited)
    g_cond_broadcast(&writer->changed);
}

void
wd_status_writer_publish(WdStatusWriter *writer, GPtrArray *rows, guint64 seq)
{
  g_mutex_lock(&writer->mutex);
  GPtrArray *replaced = writer->rows;
  if (replaced == NULL)
    writer->due_us = g_get_monotonic_time() + EVENTS_WAIT_US;
  writer->rows = rows;
  writer->rows_seq = seq;
  g_mutex_unlock(&writer->mutex);
  g_clear_pointer(&replaced, g_ptr_array_unref);
}

void
wd_status_writer_set_settings(WdStatusWriter *writer, GPtrArray *settings)
{
  g_mutex_lock(&writer->mutex);
  GPtrArray *replaced = writer->settings;
  writer->settings = settings;
  g_mutex_unlock(&writer->mutex);
  g_clear_pointer(&replaced, g_ptr_array_unref);
}

void
wd_status_writer_wake(WdStatusWriter *writer)
{
  g_mutex_lock(&writer->mutex);
  const gboolean work = writer->rows != NULL && may_write(writer);
  g_mutex_unlock(&writer->mutex);
  /* After unlocking, because a thread woken with the mutex held would go to sleep again at once. A
   * state that must wait for its events is written when they are settled, or at the next call. */
  if (work)
    g_cond_broadcast(&writer->changed);
}

void
wd_status_writer_finish(WdStatusWriter *writer, gint64 by_us)
{
  g_mutex_lock(&writer->mutex);
  writer->finishing = TRUE;
  writer->due_us = MIN(writer->due_us, by_us);
  g_cond_broadcast(&writer->changed);
  g_mutex_unlock(&writer->mutex);
}

gboolean
wd_status_writer_join(WdStatusWriter *writer, gint64 deadline_us)
{
  if (!wd_thread_join(writer->thread, deadline_us))
    return FALSE;
  writer_free(writer);
  return TRUE;
}
