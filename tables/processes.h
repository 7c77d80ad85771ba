/* Concludes that a watchdog is `unresponsive`: it cannot say so itself. Inside tables/ only. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

typedef enum {
  TABLE_IDENTITY_SAME,    /* the pid is still that process */
  TABLE_IDENTITY_GONE,    /* it is another one, or none */
  TABLE_IDENTITY_UNKNOWN, /* /proc doesn't tell us */
} TableIdentity;

/* @now_us, @last_check_us: CLOCK_MONOTONIC; @last_check_us is WD_NONE before the first check.
 * Returns: whether the watchdog is gone, or its last check was more than three intervals ago. */
gboolean table_watchdog_lost(TableIdentity identity, gint64 last_check_us, gint64 now_us);

/* Whether @pid is the process that started at @start_ticks (/proc/PID/stat field 22). */
TableIdentity table_process_identity(gint64 pid, gint64 start_ticks);

/* Gives the connection the SQL function watchdog_lost(pid, start_ticks, last_check_us). */
int table_processes_prepare(sqlite3 *db);

G_END_DECLS
