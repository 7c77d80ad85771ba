/* The schedule of queries, and which of them are denylisted: as osquery does it
 * (osquery/dispatcher/scheduler.cpp, config/config.cpp).
 *
 * Read from the file --schedule names, of lines `NAME INTERVAL SQL`, the interval in seconds (0.2
 * is one), as soon as there is such a file, and anew when there is another one. What is executing
 * is marked in the database's directory; a worker that finds a mark denylists that query for a day.
 * Both are files there, for tests to look at and to change: `executing` has a name, `denylist`
 * lines of `NAME UNTIL` (Unix time). */
#pragma once

#include "tests/stand-in/flags.h"
#include "tests/stand-in/status-log.h"

G_BEGIN_DECLS

typedef struct StandSchedule StandSchedule;

/* Runs a query to its end. */
typedef void (*StandRunQuery)(const char *sql, gpointer user_data);

/* Begins at once, in a thread, if --schedule is given. Marks nothing without --database_path, and
 * denylists nothing with --disable_watchdog. @log: borrowed. */
StandSchedule *stand_schedule_new(const StandFlags *flags, StandStatusLog *log, StandRunQuery run,
                                  gpointer user_data);

/* A resource limit was hit: the query that is executing stays marked. */
void stand_schedule_limit_hit(StandSchedule *schedule);

/* Starts no more, and waits for the one that is executing. FALSE when it still is at @deadline_us.
 */
gboolean stand_schedule_stop(StandSchedule *schedule, gint64 deadline_us);

/* Only after stand_schedule_stop() has returned TRUE. NULL is allowed. */
void stand_schedule_free(StandSchedule *schedule);

/* The rows of osquery_schedule, of GHashTable (text to text), added to @rows. */
void stand_schedule_rows(StandSchedule *schedule, GPtrArray *rows);

G_END_DECLS
