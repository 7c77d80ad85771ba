/* Writes the present state from a thread of its own, so that a disk that hangs under the history
 * doesn't make the state untrue.
 *
 * Only the newest state waits. It waits for the events that led to it, so that nobody sees it
 * before them; but not for long, and not while they can't be written. */
#pragma once

#include "watchdog/core/event/process-status.h"

G_BEGIN_DECLS

typedef struct WdStatusWriter WdStatusWriter;

/* @path: of status.db, absolute. NULL with @error. */
WdStatusWriter *wd_status_writer_start(const char *path, GError **error);

/* For the history's thread: waits until the file was opened. Returns: what it shows of eids, stored
 * or not, from before this run; 0: nothing. */
gint64 wd_status_writer_shown_eid(WdStatusWriter *writer);

/* For the history's thread: the events up to @seq are durable, or can't be written at present; no
 * state has to wait for them.
 * @base: what the run's seqs are added to for an eid, WD_NONE while it isn't known. */
void wd_status_writer_settled(WdStatusWriter *writer, guint64 seq, gint64 base);

/* Takes @rows, a GPtrArray that owns its WdProcessStatus, to be written after the next
 * wd_status_writer_wake(). The events up to @seq led to it. Returns at once. */
void wd_status_writer_publish(WdStatusWriter *writer, GPtrArray *rows, guint64 seq);

void wd_status_writer_wake(WdStatusWriter *writer);

/* Has the thread end once what waits is written, which is no later than @by_us of the monotonic
 * clock. */
void wd_status_writer_finish(WdStatusWriter *writer, gint64 by_us);

/* Waits for that until @deadline_us, and frees the writer. Returns: FALSE when the thread still
 * runs (thread.h); nothing is freed then. */
gboolean wd_status_writer_join(WdStatusWriter *writer, gint64 deadline_us);

G_END_DECLS
