/* Distributed queries, as osquery runs them (osquery/distributed/distributed.cpp), one at a time in
 * a thread of their own.
 *
 * They come as files in the directory --distributed names: the file's name is the query's ID, its
 * text the SQL. A file is taken, and removed, when it appears; a name with a dot in front isn't a
 * query yet. The answer is the file `.answers/ID`, whose text is the status: 0, or 1 with osquery's
 * message. What is running is marked in the database's directory, as a file
 * `distributed_running/HASH` that holds when it began; it stays when the worker dies, and then the
 * same text is refused for --distributed_denylist_duration. */
#pragma once

#include "tests/stand-in/flags.h"
#include "tests/stand-in/schedule.h"
#include "tests/stand-in/status-log.h"

G_BEGIN_DECLS

typedef struct StandDistributed StandDistributed;

/* Begins at once, in a thread, if --distributed is given. @flags, @log: borrowed. */
StandDistributed *stand_distributed_new(const StandFlags *flags, StandStatusLog *log,
                                        StandRunQuery run, gpointer user_data);

/* Starts no more, and waits for the one that is executing. FALSE when it still is at @deadline_us.
 */
gboolean stand_distributed_stop(StandDistributed *distributed, gint64 deadline_us);

/* Only after stand_distributed_stop() has returned TRUE. NULL is allowed. */
void stand_distributed_free(StandDistributed *distributed);

G_END_DECLS
