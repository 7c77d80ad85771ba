/* The tables as eponymous virtual tables of an SQLite connection:
 *
 *   SELECT name, state, footprint FROM watchdog_processes;
 *   SELECT * FROM watchdog_events WHERE event = 'process_terminated' AND time > unixepoch() - 3600;
 *   SELECT * FROM watchdog_events WHERE eid > 4711;
 *
 * The schema is that of table_create_statement(); NULL means that a value doesn't apply. */
#pragma once

#include "tables/store.h"

G_BEGIN_DECLS

/* Registers every table on @db. @store must outlive the connection.
 * Returns: an SQLite result code. */
int table_sqlite_register(sqlite3 *db, TableStore *store);

G_END_DECLS
