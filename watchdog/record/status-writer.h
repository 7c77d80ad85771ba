/* Writes the present state from its own thread, so that the state stays true while the history's
 * disk hangs.
 *
 * Only the newest state waits. It waits until the events that led to it are written, so that no
 * reader sees it before them; but not for long, and not while they can't be written. */
#pragma once

#include "watchdog/record/private-directory.h"

G_BEGIN_DECLS

typedef struct WdStatusWriter WdStatusWriter;

/* @directory: where status.db is to be; claimed by the thread; must outlive the writer. NULL with
 * @error. */
WdStatusWriter *wd_status_writer_start(WdPrivateDirectory *directory, GError **error);

/* For the history's thread: waits until the file has been opened. Returns: the greatest eid, stored
 * or not, that it shows from before this run; 0: none. */
gint64 wd_status_writer_shown_eid(WdStatusWriter *writer);

/* For the history's thread: the events up to @seq are durable, or can't be written at present, so
 * that no state needs to wait for them.
 * @base: an event's eid is @base plus its seq; WD_NONE while it isn't known. */
void wd_status_writer_settled(WdStatusWriter *writer, guint64 seq, gint64 base);

/* Takes @rows, a GPtrArray that owns its WdProcessStatus, to be written after the next
 * wd_status_writer_wake(). The events up to @seq led to it. Returns at once. */
void wd_status_writer_publish(WdStatusWriter *writer, GPtrArray *rows, guint64 seq);

/* Takes @settings, a GPtrArray that owns its WdSetting, to be written with the next state. */
void wd_status_writer_set_settings(WdStatusWriter *writer, GPtrArray *settings);

void wd_status_writer_wake(WdStatusWriter *writer);

/* Ends the thread once the waiting state is written. From @by_us (monotonic) on, that state no
 * longer waits for events. */
void wd_status_writer_finish(WdStatusWriter *writer, gint64 by_us);

/* Waits until @deadline_us for the thread to end, and frees the writer. Returns: FALSE when the
 * thread still runs (thread.h); nothing is freed then. */
gboolean wd_status_writer_join(WdStatusWriter *writer, gint64 deadline_us);

G_END_DECLS
