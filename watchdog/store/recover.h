/* Begins a history anew when the present one can't be used: it is damaged, is no history, or was
 * removed or replaced while in use. The old file stays beside the new one:
 *
 *   history.db.aside                   until its readable events are durable in the new one
 *   history.db.aside-20250131T235959   then, in UTC
 *
 * so that the next opening continues a recovery that was interrupted anywhere. Of the files with a
 * date the newest five stay. A file of a newer version is left alone. */
#pragma once

#include "watchdog/core/event/recovery.h"
#include "watchdog/store/history.h"

G_BEGIN_DECLS

/* Like wd_history_open(), but recovers from WD_STORE_ERROR_CORRUPT, and continues an interrupted
 * recovery.
 * @recovery: set when the history was begun anew; else left alone. When a run begins with a
 * recovered history, its base is at least the wall clock in milliseconds, because the eids of the
 * lost events are unknown, and no history has ever counted that far. */
WdHistory *wd_history_open_or_recover(const char *path, const WdHistoryRun *run,
                                      WdRecovery **recovery, GError **error);

/* Begins the history anew after @problem.
 * @previous: the history that has just failed with WD_STORE_ERROR_CORRUPT or _MOVED, or NULL. Its
 * open files are the best source of events. It stays the caller's, and is only good for this, for
 * another attempt after a failure, and for freeing. */
WdHistory *wd_history_recover(const char *path, const WdHistoryRun *run, WdHistory *previous,
                              const char *problem, WdRecovery **recovery, GError **error);

G_END_DECLS
