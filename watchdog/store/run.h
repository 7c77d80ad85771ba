/* Where one run of the watchdog ends in the history and the next begins. */
#pragma once

#include "watchdog/store/database.h"

G_BEGIN_DECLS

/* Begins @run, inside the caller's transaction; what a run that never stopped left open is closed
 * first. The same run_id again (the file was reopened) goes on with its run.
 * @recovering: the file was begun anew and may lack anything; else what this run has stored must be
 * there, or it is WD_HISTORY_ERROR_CORRUPT.
 * @base: set to what the run's seqs are added to.
 * Returns: FALSE with @error in WD_HISTORY_ERROR. */
gboolean wd_run_begin(sqlite3 *db, const WdHistoryRun *run, gboolean recovering, gint64 *base,
                      GError **error);

/* @stopped: whether the newest run has recorded that it stopped. */
gboolean wd_run_has_stopped(sqlite3 *db, gboolean *stopped, GError **error);

G_END_DECLS
