/* history.db: the durable, append-only record of events. Used by one writer at a time (the
 * history's thread, writer.c); readers use reader.h.
 *
 * An eid is the run's base plus the event's seq. The base is chosen once a run: the greatest eid
 * that may ever have been used when it begins, so eids grow across runs and none is used twice,
 * also after pruning. A run keeps its base when its history has to be begun anew (recover.h), so
 * that what was said about an event stays true. */
#pragma once

#include "watchdog/core/event/event.h"
#include "watchdog/store/run.h"

G_BEGIN_DECLS

#define WD_HISTORY_FILE "history.db" /* in the state directory */

typedef struct WdHistory WdHistory;

/* Opens or creates (0600, WAL, synchronous=FULL), checks as a whole and migrates the file, and
 * begins the run: if the
 * run before this one has no watchdog_stopped, records watchdog_crashed (reason reboot when the
 * boot id differs), and closes each of its limit_exceeded that lacks a process_terminated with one
 * whose outcome is interrupted and whose cause_eid names it; all in one transaction. These rows
 * have the run_id of the run that crashed. Opening again with the same run_id goes on with that
 * run: eids stay what they were, and what was durable must still be there.
 * @path: absolute. Never waits longer than 250 ms for a lock.
 * Returns: NULL with @error in WD_STORE_ERROR. */
WdHistory *wd_history_open(const char *path, const WdHistoryRun *run, GError **error);

/* Like wd_history_open(), for a file that may lack anything; what can be read of @source goes into
 * it. @source: NULL is allowed. @saved: how many events that were. */
WdHistory *wd_history_begin_anew(const char *path, const WdHistoryRun *run, sqlite3 *source,
                                 gint64 *saved, GError **error);

/* Commits what it can of the WAL and closes. NULL is allowed. */
void wd_history_free(WdHistory *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdHistory, wd_history_free)

/* To save from a history that has failed. Stays the history's. */
sqlite3 *wd_history_connection(WdHistory *history);

/* What this run's seqs are added to. The sum is the event's eid, whether it is stored yet or not.
 */
gint64 wd_history_base(const WdHistory *history);

/* How many events there are. */
gint64 wd_history_rows(const WdHistory *history);

/* Appends @n events in one durable transaction: all or none. An event whose eid is there already is
 * left as it is (a retry after a lost acknowledgement). Text is made valid UTF-8 first. After
 * WD_STORE_ERROR_MOVED or _CORRUPT what can be read is for wd_history_recover(). */
gboolean wd_history_append(WdHistory *history, WdEvent *const *events, gsize n, GError **error);

/* Removes up to @most of the oldest rows that are over @max_rows or older than @oldest_s (wall
 * clock; G_MININT64: none is), and gives freed pages back in the same small steps, as far as they
 * are more than a quarter of the file. Rows go strictly from the oldest eid
 * on, and the newest one never does. @removed: how many went; call again later while it equals
 * @most. */
gboolean wd_history_prune(WdHistory *history, gint64 max_rows, gint64 oldest_s, guint most,
                          guint *removed, GError **error);

G_END_DECLS
