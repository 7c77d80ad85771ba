/* The limits in effect. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* The limits in effect, the same for all processes; WD_NONE: not known. */
typedef struct {
  gint64 memory_bytes;
  gint64 utilization; /* % */
  gint64 latency_s;
} CtlLimits;

/* As watchdog_processes shows them, or else the newest that watchdog_events tells of. A table that
 * can't be read leaves them unknown: no reason to advise nothing at all. */
void ctl_limits_read(sqlite3 *db, CtlLimits *limits);

G_END_DECLS
