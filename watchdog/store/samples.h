/* Measurements of recent regular checks: the table samples of status.db. It keeps every check of
 * the last hour, and before that one in twenty (one a minute), up to a day. Checks are counted, so
 * that no step of the wall clock keeps or drops any. A sample takes some 60 bytes, a process that
 * runs all the time 160 kB. Used inside the store only. */
#pragma once

#include "watchdog/core/event/process-status.h"
#include "watchdog/store/database.h"

G_BEGIN_DECLS

#define WD_SAMPLES_ALL 1200   /* checks; an hour of them */
#define WD_SAMPLES_EVERY 20   /* one in so many of the earlier ones is kept */
#define WD_SAMPLES_SPAN 28800 /* checks; a day of them */

typedef struct {
  sqlite3_stmt *insert;
  sqlite3_stmt *remove;
  gint64 check;      /* the number of the next check that gives samples */
  gint64 sampled_us; /* the newest check that has given samples; monotonic */
} WdSamples;

/* Goes on with the samples in @db, which must have the table. Returns: FALSE with @error,
 * WD_STORE_ERROR_CORRUPT when a key isn't ours; clear @samples then, too. */
gboolean wd_samples_open(WdSamples *samples, sqlite3 *db, GError **error);
void wd_samples_clear(WdSamples *samples);

/* Inside the caller's transaction: adds a sample for each of @rows that a regular check has
 * measured since the last call, and removes the samples over the bound. After a failure @samples is
 * only good for clearing. */
gboolean wd_samples_add(WdSamples *samples, WdProcessStatus *const *rows, gsize n, GError **error);

G_END_DECLS
