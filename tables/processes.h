/* Concludes that a watchdog is `unresponsive`: it can't report that itself. Inside tables/ only. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* Gives the connection the SQL function watchdog_lost(pid, start_ticks, last_check_us). It is true
 * if the process that started at @start_ticks (/proc/PID/stat field 22) no longer has @pid or is a
 * zombie, or if its last check was more than three intervals ago. @last_check_us is monotonic, NULL
 * before the first check. Returns: an SQLite result code. */
int table_processes_prepare(sqlite3 *db);

G_END_DECLS
