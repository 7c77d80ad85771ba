/* The processes that a watchdog left behind, because it crashed or couldn't end them: written down
 * before each is used, ended before new ones are started, for two workers would fight over
 * osquery's database lock.
 *
 * The record is a file of fixed lines. The first has the boot's id, for pids and times begin anew
 * with each boot, and the run's mark, by which what these processes started is found (run-mark.h).
 * So it must be for our user alone to read. Then one a process: its pid and its start (handle.h).
 */
#pragma once

#include "watchdog/look/handle.h"

G_BEGIN_DECLS

typedef struct WdRunRecord WdRunRecord;

/* Opens the record at @path, ends what it names and that still is that process (SIGTERM, after
 * @grace_us SIGKILL), then what bears the mark of that run, and begins it anew for the run that has
 * @mark, a random UUID. Blocks until they are gone, at most @grace_us and 4 s. Before the first
 * thread starts.
 * @ended: how many were found running. */
WdRunRecord *wd_run_record_open(const char *path, const char *boot_id, const char *mark,
                                gint64 grace_us, guint *ended, GError **error);

/* Writes down that @handle is process @index (the supervisor's). */
gboolean wd_run_record_set(const WdRunRecord *record, guint index, const WdHandle *handle,
                           GError **error);

/* @left_behind: something still runs, so that the file is for the next start; else it is removed.
 */
void wd_run_record_finish(WdRunRecord *record, gboolean left_behind);

G_END_DECLS
