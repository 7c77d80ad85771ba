/* Observes the watcher of a stock osqueryd, and writes what it sees to the store that the tables
 * are read from: the effects around watchdog/core/machine/observe.h. Signals nobody. */
#pragma once

#include <glib.h>

#include "watchdog/core/machine/report.h"

G_BEGIN_DECLS

typedef struct ExtObserver ExtObserver;

typedef struct {
  const char *socket;       /* of the worker's extension manager */
  const char *state_dir;    /* ours alone, as osquery-watchdogd's */
  const char *runtime_dir;  /* likewise */
  gint64 report_interval_s; /* how often ext_observer_reported() is told a report */
  gboolean verbose;         /* each event's line on stderr */
} ExtObserverOptions;

/* Called from the default main context: the watcher is gone, the run is closed. Must not free the
 * observer. */
typedef void (*ExtObserverOver)(gpointer user_data);

/* Begins a run.
 * Returns: NULL with @error when the directories can't be had (G_FILE_ERROR_AGAIN: somebody else
 * writes there), or the watcher is gone. */
ExtObserver *ext_observer_new(const ExtObserverOptions *options, gint64 watcher_pid,
                              ExtObserverOver over, gpointer user_data, GError **error);

/* What is seen of the worker and of its extensions through the manager. Changes @report.
 * Returns: FALSE when it is of somebody whom the watcher hasn't started, as far as is known yet. */
gboolean ext_observer_reported(ExtObserver *observer, WdReport *report);

/* Closes the run, if the watcher's end hasn't, and waits a moment for the disk. Returns: FALSE when
 * there must be no other observer in this process: see ext_own_store_free(). */
gboolean ext_observer_free(ExtObserver *observer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtObserver, ext_observer_free)

G_END_DECLS
