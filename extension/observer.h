/* Observes the watcher of a stock osqueryd, and writes what it sees to the store that the tables
 * are read from: the effects around watchdog/core/observe.h. Signals nobody. */
#pragma once

#include <glib.h>

#include "watchdog/core/machine/report.h"

G_BEGIN_DECLS

typedef struct ExtWitness ExtWitness;

typedef struct {
  const char *socket;       /* of the worker's extension manager */
  const char *state_dir;    /* ours alone, as osquery-watchdogd's */
  const char *runtime_dir;  /* likewise */
  gint64 report_interval_s; /* how often ext_witness_observed() is told a report */
  gboolean verbose;         /* each event's line on stderr */
} ExtWitnessOptions;

/* Called from the default main context: the watcher is gone, the run is closed. Must not free the
 * witness. */
typedef void (*ExtWitnessOver)(gpointer user_data);

/* Begins a run.
 * Returns: NULL with @error when the directories can't be had (G_FILE_ERROR_AGAIN: somebody else
 * writes there), or the watcher is gone. */
ExtWitness *ext_witness_new(const ExtWitnessOptions *options, gint64 watcher_pid,
                            ExtWitnessOver over, gpointer user_data, GError **error);

/* What is seen of the worker and of its extensions through the manager. Changes @observation.
 * Returns: FALSE when it is of somebody whom the watcher hasn't started, as far as is known yet. */
gboolean ext_witness_observed(ExtWitness *witness, WdObservation *observation);

/* Closes the run, if the watcher's end hasn't, and waits a moment for the disk. Returns: FALSE when
 * there must be no other witness in this process: see ext_own_store_free(). */
gboolean ext_witness_free(ExtWitness *witness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtWitness, ext_witness_free)

G_END_DECLS
