/* Where one run of the watchdog ends in the history and the next begins. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

typedef struct {
  const char *run_id;  /* unique for this start of the watchdog */
  const char *boot_id; /* /proc/sys/kernel/random/boot_id */
  gint64 watchdog_pid;
  gint64 now_s;   /* wall clock, labels what opening itself records */
  gint64 floor;   /* eids up to it may have been used, whatever the file has; 0: none */
  gboolean begun; /* the run opens its history again; base and stored are set */
  gint64 base;    /* the run's base */
  guint64 stored; /* its events up to this seq are durable */
} WdHistoryRun;

/* Greater eids are damage, or a joke. Whole numbers up to here survive a double. */
#define WD_GREATEST_EID (G_GINT64_CONSTANT(1) << 53)

/* Begins @run, inside the caller's transaction. A run before it that never stopped is closed first.
 * The same run_id again (the file was reopened) goes on with its run.
 * @recovering: the file was begun anew and may lack anything. Otherwise the events that this run
 * has stored must be there, or it is WD_STORE_ERROR_CORRUPT.
 * @base: set to what the run's seqs are added to.
 * Returns: FALSE with @error in WD_STORE_ERROR. */
gboolean wd_run_begin(sqlite3 *db, const WdHistoryRun *run, gboolean recovering, gint64 *base,
                      GError **error);

/* @stopped: whether the newest run has recorded that it stopped. */
gboolean wd_run_has_stopped(sqlite3 *db, gboolean *stopped, GError **error);

G_END_DECLS
