/* Does blocking work in a thread of its own, so that the main loop keeps answering. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct ExtJob ExtJob;

/* The work, which runs in the thread. Until it returns, @data is its own. It must return by
 * @deadline_us (g_get_monotonic_time()), and soon after @cancellable is cancelled. */
typedef void (*ExtJobWork)(gpointer data, gint64 deadline_us, GCancellable *cancellable);

/* The work has returned. Called once, in the thread of the default main context; may free the job.
 * @error: NULL, or why no thread could be started, in which case no work was done. */
typedef void (*ExtJobDone)(gpointer data, const GError *error);

/* Starts the work. @name: the thread's. @duration_us: until the deadline. */
ExtJob *ext_job_new(const char *name, gint64 duration_us, ExtJobWork work, ExtJobDone done,
                    gpointer data);

/* Makes the work return early; @done is still called. NULL is allowed. */
void ext_job_cancel(ExtJob *job);

/* Cancels, and waits for the thread. @done is not called any more. NULL is allowed. */
void ext_job_free(ExtJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtJob, ext_job_free)

G_END_DECLS
