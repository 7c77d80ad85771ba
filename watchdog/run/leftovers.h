/* The processes that a watchdog left behind, because it crashed or couldn't end them. Each is
 * written to a record before it is used. They are ended before new ones are started, because two
 * workers would fight over osquery's database lock.
 *
 * The record is a file of fixed lines. The first line has the boot's id, because pids and start
 * times begin anew with each boot, and the run's mark, by which the processes that these started
 * are found (run-mark.h). The mark is a secret, so only our user may read the file. Each further
 * line has one process: its pid and its start (handle.h).
 *
 * Where the record can't be written, the log says so, and processes are started without it: the
 * kernel ends most of them if we crash (their death signal), and what is left isn't found. */
#pragma once

#include "watchdog/look/handle.h"
#include "watchdog/record/private-directory.h"

G_BEGIN_DECLS

typedef struct WdRunRecord WdRunRecord;

/* If @directory is claimed: ends the processes that the record there names, if they still run
 * (SIGTERM, after @grace_us SIGKILL), then those that bear the mark of that run. What can't be
 * ended is logged. Then it begins a new record for the run with @mark, a random UUID. Blocks until
 * they are gone, at most @grace_us and 4 s. To be called before the first thread starts.
 * @directory: borrowed. @ended: set to the number of processes that were found running. */
WdRunRecord *wd_run_record_open(const WdPrivateDirectory *directory, const char *boot_id,
                                const char *mark, gint64 grace_us, guint *ended);

/* Records @handle as process @index of the machine. */
void wd_run_record_set(WdRunRecord *record, guint index, const WdHandle *handle);

/* Writes what could not be written before, once the directory is claimed and has room. For regular
 * calls: costs nothing while nothing is missing. */
void wd_run_record_complete(WdRunRecord *record);

/* Closes and frees the record. Removes the file, unless processes are @left_behind: the next start
 * needs it then. NULL is allowed. */
void wd_run_record_finish(WdRunRecord *record, gboolean left_behind);

G_END_DECLS
