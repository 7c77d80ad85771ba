#include "extension/watcher-flags.h"

#include <unistd.h>

#include "extension/job.h"
#include "thrift/client.h"
#include "watchdog/core/settings/osqueryd-flags.h"
#include "watchdog/core/settings/query-names.h"

#define ANSWER_US (3 * G_TIME_SPAN_SECOND)

struct ExtWatcherFlags {
  const char *socket;
  ExtWatcherFlagsAnswered answered;
  gpointer user_data;
  ExtJob *job;
  /* The next four belong to the job until it is done. */
  gint64 pid;
  gboolean known;
  WdLimits limits;
  char *log_directory;
};

static void
ask(gpointer data, gint64 deadline_us, GCancellable *cancellable)
{
  ExtWatcherFlags *flags = data;
  const WirePeer peer = {
      .path = flags->socket,
      .deadline_us = deadline_us,
      .cancellable = cancellable,
      .pid = &flags->pid,
  };
  const guint cpus = (guint)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
  g_autoptr(GHashTable) options = wire_options(&peer, NULL);
  flags->known = options != NULL && wd_limits_from_options(options, cpus, &flags->limits);
  if (options != NULL)
    flags->log_directory = g_strdup(wd_query_names_log_directory(options));
}

static void
on_done(gpointer data, const GError *error)
{
  ExtWatcherFlags *flags = data;
  if (error == NULL)
    flags->answered(flags->known ? &flags->limits : NULL, flags->log_directory, flags->pid,
                    flags->user_data);
}

ExtWatcherFlags *
ext_watcher_flags_ask(const char *socket, ExtWatcherFlagsAnswered answered, gpointer user_data)
{
  ExtWatcherFlags *flags = g_new0(ExtWatcherFlags, 1);
  flags->socket = socket;
  flags->answered = answered;
  flags->user_data = user_data;
  flags->job = ext_job_new("flags", ANSWER_US, ask, on_done, flags);
  return flags;
}

void
ext_watcher_flags_free(ExtWatcherFlags *flags)
{
  if (flags == NULL)
    return;
  ext_job_free(flags->job);
  g_free(flags->log_directory);
  g_free(flags);
}
