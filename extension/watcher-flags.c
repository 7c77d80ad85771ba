#include "extension/watcher-flags.h"

#include <unistd.h>

#include "watchdog/core/settings/osqueryd-flags.h"
#include "thrift/client.h"

#define ANSWER_US (3 * G_TIME_SPAN_SECOND)

struct ExtWatcherFlags {
  char *socket;
  ExtWatcherFlagsTold told;
  gpointer user_data;
  GThread *thread;
  GSource *done; /* tells the main loop */
  GCancellable *cancellable;
  /* the thread's own until it attaches @done */
  gint64 pid;
  gboolean known;
  WdLimits limits;
};

static gpointer
ask(gpointer data)
{
  ExtWatcherFlags *flags = data;
  const WirePeer peer = {
      .path = flags->socket,
      .deadline_us = g_get_monotonic_time() + ANSWER_US,
      .cancellable = flags->cancellable,
      .pid = &flags->pid,
  };
  const guint cpus = (guint)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
  g_autoptr(GHashTable) options = wire_options(&peer, NULL); /* no answer is an answer */
  flags->known = options != NULL && wd_limits_from_options(options, cpus, &flags->limits);
  g_source_attach(flags->done, NULL);
  return NULL;
}

static gboolean
on_done(gpointer data)
{
  ExtWatcherFlags *flags = data;
  flags->told(flags->known ? &flags->limits : NULL, flags->pid, flags->user_data);
  return G_SOURCE_REMOVE;
}

ExtWatcherFlags *
ext_watcher_flags_ask(const char *socket, ExtWatcherFlagsTold told, gpointer user_data)
{
  g_autoptr(ExtWatcherFlags) flags = g_new0(ExtWatcherFlags, 1);
  flags->socket = g_strdup(socket);
  flags->told = told;
  flags->user_data = user_data;
  flags->cancellable = g_cancellable_new();
  flags->done = g_idle_source_new();
  g_source_set_priority(flags->done, G_PRIORITY_DEFAULT);
  g_source_set_callback(flags->done, on_done, flags, NULL);
  flags->thread = g_thread_try_new("flags", ask, flags, NULL);
  return flags->thread != NULL ? g_steal_pointer(&flags) : NULL;
}

void
ext_watcher_flags_free(ExtWatcherFlags *flags)
{
  if (flags == NULL)
    return;
  g_cancellable_cancel(flags->cancellable);
  g_clear_pointer(&flags->thread, g_thread_join);
  g_source_destroy(flags->done);
  g_source_unref(flags->done);
  g_object_unref(flags->cancellable);
  g_free(flags->socket);
  g_free(flags);
}
