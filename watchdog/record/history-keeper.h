/* Keeps a run's history writable whatever happens to its file: opens it, replaces it, retries
 * later, prunes it. For the history's thread, because every call may take as long as the disk does.
 */
#pragma once

#include "watchdog/core/event/clock-watch.h"
#include "watchdog/core/event/recovery.h"
#include "watchdog/record/private-directory.h"
#include "watchdog/store/history.h"

G_BEGIN_DECLS

/* Events in one transaction, and rows pruned at once; small, so that each takes little time. */
#define WD_HISTORY_BATCH_MAX 256

#define WD_HISTORY_RETRY_US (250 * G_TIME_SPAN_MILLISECOND) /* at first; later ones are longer */

/* All strings are owned. */
typedef struct {
  WdPrivateDirectory *directory; /* of the file; borrowed */
  char *path;
  char *run_id;
  char *boot_id;
  gint64 watchdog_pid;
  gint64 max_rows;
  gint64 expiry_s;
  gint64 floor;        /* eids up to it were shown before this run */
  gint64 base;         /* of this run's eids; WD_NONE: not known yet */
  guint64 durable;     /* seq */
  WdHistory *history;  /* NULL: not open */
  GPtrArray *given_up; /* of WdGivenUp, when the run began; NULL: not known, or taken */
  char *unusable;      /* why the open history must be replaced; NULL: it needn't */
  char *trouble;       /* the last one logged */
  gint64 retry_us;     /* the wait after the present failure; 0: none */
  gint64 retry_at_us;
  gint64 next_prune_us;
  WdClockWatch clock;
} WdHistoryKeeper;

void wd_history_keeper_clear(WdHistoryKeeper *keeper);

/* Claims the directory and opens the history if need be, and appends @events; @n may be 0. A
 * failure is logged; don't try again before retry_at_us.
 * @recovery: set when a new history was begun, on failure too; else untouched. */
gboolean wd_history_keeper_append(WdHistoryKeeper *keeper, WdEvent *const *events, gsize n,
                                  WdRecovery **recovery);

/* Whether there is a history to write to; it may be locked, or need recovery. */
gboolean wd_history_keeper_has_history(const WdHistoryKeeper *keeper);

/* When work is due though no event waits: opening the history by appending nothing, or pruning. */
gint64 wd_history_keeper_due_us(const WdHistoryKeeper *keeper);

/* Removes some of the rows that are over the maximum or too old. */
void wd_history_keeper_prune(WdHistoryKeeper *keeper);

G_END_DECLS
