/* The limits in effect. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* The same for all processes; WD_NONE: not known. */
typedef struct {
  gint64 memory_bytes;
  gint64 utilization; /* % */
  gint64 latency_s;
} CtlLimits;

/* As watchdog_processes shows them, or else the newest that watchdog_events has. A table that can't
 * be read leaves them unknown, because advice without them is better than none. */
void ctl_limits_read(sqlite3 *db, CtlLimits *limits);

G_END_DECLS
