/* Observes the watcher of a stock osqueryd, and records what it sees in the store that the tables
 * read: the effects around watchdog/core/machine/observe.h. Sends no signals. */
#pragma once

#include "extension/options.h"
#include "watchdog/core/machine/report.h"

G_BEGIN_DECLS

typedef struct ExtObserver ExtObserver;

/* Called from the default main context: the watcher is gone, the run is closed. Must not free the
 * observer. */
typedef void (*ExtObserverOver)(gpointer user_data);

/* Begins a run. @options: borrowed.
 * Returns: NULL with @error when the watcher is gone, or the directories can't be used
 * (G_FILE_ERROR_AGAIN: another process writes there). */
ExtObserver *ext_observer_new(const ExtOptions *options, gint64 watcher_pid, ExtObserverOver over,
                              gpointer user_data, GError **error);

/* Takes in what the manager shows of the worker and its extensions. Changes @report.
 * Returns: FALSE when the reported process is not known to be the watcher's worker (yet). */
gboolean ext_observer_reported(ExtObserver *observer, WdReport *report);

/* Closes the run, unless the watcher's end has closed it, and waits a moment for the disk. If the
 * watcher started us and still lives, first waits a moment for its other children to end.
 * Returns: FALSE when this process must not begin another run: see ext_own_store_free(). */
gboolean ext_observer_free(ExtObserver *observer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtObserver, ext_observer_free)

G_END_DECLS
