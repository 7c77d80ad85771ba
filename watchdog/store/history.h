/* history.db: the durable, append-only record of events. Used by one writer at a time (the
 * history's thread, writer.c); readers use reader.h.
 *
 * An eid is the run's base plus the event's seq. A run's base is the greatest eid that may ever
 * have been used when it begins. So eids grow across runs, and none is used twice, also after
 * pruning. A run keeps its base when its history is begun anew (recover.h), so that references to
 * its events stay true. */
#pragma once

#include "watchdog/core/event/event.h"
#include "watchdog/store/run.h"

G_BEGIN_DECLS

#define WD_HISTORY_FILE "history.db" /* in the state directory */

typedef struct WdHistory WdHistory;

/* Opens or creates (0600, WAL, synchronous=FULL) the file, checks it as a whole, migrates it, and
 * begins the run.
 *
 * If the run before this one has no watchdog_stopped, that run gets these rows, in one transaction:
 * watchdog_crashed (reason reboot when the boot id differs), and for each limit_exceeded without a
 * process_terminated one whose outcome is interrupted and whose cause_eid names it.
 *
 * Opening again with the same run_id goes on with that run: eids stay the same, and durable events
 * must still be there.
 * @path: absolute. Never waits longer than 250 ms for a lock.
 * Returns: NULL with @error in WD_STORE_ERROR. */
WdHistory *wd_history_open(const char *path, const WdHistoryRun *run, GError **error);

/* Like wd_history_open(), for a file that may lack anything. Copies the readable events of @source
 * into it; NULL is allowed. @saved: how many events that were. */
WdHistory *wd_history_begin_anew(const char *path, const WdHistoryRun *run, sqlite3 *source,
                                 gint64 *saved, GError **error);

/* Commits what it can of the WAL and closes. NULL is allowed. */
void wd_history_free(WdHistory *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdHistory, wd_history_free)

/* For reading, and for saving from a history that has failed. It stays the history's. */
sqlite3 *wd_history_connection(WdHistory *history);

/* The base of this run. An event's eid is known from it before the event is stored. */
gint64 wd_history_base(const WdHistory *history);

/* How many events there are. */
gint64 wd_history_rows(const WdHistory *history);

/* Appends @n events in one durable transaction: all or none. An event whose eid is there already
 * stays as it is (a retry after a lost acknowledgement). Text is made valid UTF-8 first. After
 * WD_STORE_ERROR_MOVED or _CORRUPT, call wd_history_recover() for what can still be read. */
gboolean wd_history_append(WdHistory *history, WdEvent *const *events, gsize n, GError **error);

/* Removes up to @most of the oldest rows that are over @max_rows or older than @oldest_s (wall
 * clock; G_MININT64: none is). Rows go strictly from the oldest eid on; the newest one always
 * stays. Each removal also gives some free pages back, while they are more than a quarter of the
 * file.
 * @removed: how many rows went; call again later while it equals @most. */
gboolean wd_history_prune(WdHistory *history, gint64 max_rows, gint64 oldest_s, guint most,
                          guint *removed, GError **error);

G_END_DECLS
