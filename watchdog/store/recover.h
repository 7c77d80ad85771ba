/* Begins a history anew when the one that is there can't be used: it is damaged, no history at all,
 * or was removed or replaced while it was in use. The old file is kept beside the new one:
 *
 *   history.db.aside                   until what could be read of it is durable in the new one
 *   history.db.aside-20250131T235959   then, in UTC
 *
 * so that a recovery that is interrupted anywhere is taken up by the next one to open the history.
 * Of those with a date the newest five stay. A file of a newer version is left alone. */
#pragma once

#include "watchdog/core/event/recovery.h"
#include "watchdog/store/history.h"

G_BEGIN_DECLS

/* Like wd_history_open(), but recovers from WD_STORE_ERROR_CORRUPT, and goes on with a recovery
 * that was interrupted.
 * @recovery: set to what has happened when the history was begun anew; else left alone. When a run
 * begins with a recovered history, its base is at least the wall clock in milliseconds: nobody
 * knows which eids the lost events had, but no history has ever counted that far. */
WdHistory *wd_history_open_or_recover(const char *path, const WdHistoryRun *run,
                                      WdRecovery **recovery, GError **error);

/* Begins the history anew after @problem.
 * @previous: the history that has just said WD_STORE_ERROR_CORRUPT or _MOVED, or NULL. What it
 * still has open is the best that there is to save from. It stays the caller's and is only good for
 * this and for freeing; on failure, for the next attempt. */
WdHistory *wd_history_recover(const char *path, const WdHistoryRun *run, WdHistory *previous,
                              const char *problem, WdRecovery **recovery, GError **error);

G_END_DECLS
