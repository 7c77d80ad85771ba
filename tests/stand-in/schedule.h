/* The schedule of queries, and which of them are denylisted: as osquery does it
 * (osquery/dispatcher/scheduler.cpp, config/config.cpp).
 *
 * Read from a file of lines `NAME INTERVAL SQL`, the interval in seconds (0.2 is one), as soon as
 * there is such a file. What is executing is marked in the database's directory; a worker that
 * finds a mark denylists that query for a day. Both are files there, for tests to look at and to
 * change: `executing` has a name, `denylist` lines of `NAME UNTIL` (Unix time). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct StandSchedule StandSchedule;

/* Runs a query to its end. */
typedef void (*StandRunQuery)(const char *sql, gpointer user_data);

/* @path: of the file; "": nothing is scheduled. @database: the directory; NULL: nothing is marked.
 * @denylists: FALSE: as with --disable_watchdog. Begins at once, in a thread. */
StandSchedule *stand_schedule_new(const char *path, const char *database, gboolean denylists,
                                  StandRunQuery run, gpointer user_data);

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
