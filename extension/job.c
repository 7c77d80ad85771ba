#include "extension/job.h"

struct ExtJob {
  ExtJobWork work;
  ExtJobDone done;
  gpointer data;
  gint64 deadline_us;
  GCancellable *cancellable;
  GThread *thread;
  GError *error;   /* there is no thread */
  GSource *ending; /* attached by the thread when it is done */
};

static gpointer
thread_main(gpointer user_data)
{
  ExtJob *job = user_data;
  job->work(job->data, job->deadline_us, job->cancellable);
  g_source_attach(job->ending, NULL);
  return NULL;
}

static gboolean
on_ending(gpointer user_data)
{
  ExtJob *job = user_data;
  job->done(job->data, job->error);
  return G_SOURCE_REMOVE; /* @job may be gone */
}

ExtJob *
ext_job_new(const char *name, gint64 duration_us, ExtJobWork work, ExtJobDone done, gpointer data)
{
  ExtJob *job = g_new0(ExtJob, 1);
  job->work = work;
  job->done = done;
  job->data = data;
  job->deadline_us = g_get_monotonic_time() + duration_us;
  job->cancellable = g_cancellable_new();
  job->ending = g_idle_source_new();
  g_source_set_priority(job->ending, G_PRIORITY_DEFAULT);
  g_source_set_callback(job->ending, on_ending, job, NULL);
  job->thread = g_thread_try_new(name, thread_main, job, &job->error);
  if (job->thread == NULL)
    g_source_attach(job->ending, NULL);
  return job;
}

void
ext_job_cancel(ExtJob *job)
{
  if (job != NULL)
    g_cancellable_cancel(job->cancellable);
}

void
ext_job_free(ExtJob *job)
{
  if (job == NULL)
    return;
  ext_job_cancel(job);
  g_clear_pointer(&job->thread, g_thread_join);
  g_source_destroy(job->ending);
  g_source_unref(job->ending);
  g_object_unref(job->cancellable);
  g_clear_error(&job->error);
  g_free(job);
}
