/* Keeps a run's history writable whatever happens to its file: opens it, begins it anew, tries
 * again later, prunes. For the history's thread: every call may take as long as the disk does. */
#pragma once

#include "watchdog/core/event/clock-watch.h"
#include "watchdog/store/recover.h"

G_BEGIN_DECLS

/* Events in one transaction, and rows pruned at once: short enough to answer quickly. */
#define WD_HISTORY_BATCH_MAX 256

#define WD_HISTORY_RETRY_US (250 * G_TIME_SPAN_MILLISECOND) /* at first, then ever longer */

/* All strings are owned. */
typedef struct {
  char *path;
  char *run_id;
  char *boot_id;
  gint64 watchdog_pid;
  gint64 max_rows;
  gint64 expiry_s;
  gint64 floor;       /* eids up to it have been shown before this run */
  gint64 base;        /* of this run's eids; WD_NONE: not known yet */
  guint64 durable;    /* seq */
  WdHistory *history; /* NULL: not open */
  char *unusable;     /* why the history that is open must be begun anew; NULL: it needn't */
  char *trouble;      /* the last one told */
  gint64 retry_us;    /* how long to wait after the present failure; 0: none */
  gint64 retry_at_us;
  gint64 next_prune_us;
  WdClockWatch clock;
} WdHistoryKeeper;

void wd_history_keeper_clear(WdHistoryKeeper *keeper);

/* Opens the history if need be, and appends @events; @n may be 0. A failure is told in the log, and
 * is not worth another attempt before retry_at_us.
 * @recovery: set when the history was begun anew, on failure too; else left alone. */
gboolean wd_history_keeper_append(WdHistoryKeeper *keeper, WdEvent *const *events, gsize n,
                                  WdRecovery **recovery);

/* When there is something to do though no event waits: to open the history by appending nothing, or
 * to prune it. */
gint64 wd_history_keeper_due_us(const WdHistoryKeeper *keeper);

/* Removes some rows that are too many, or too old. */
void wd_history_keeper_prune(WdHistoryKeeper *keeper);

G_END_DECLS
