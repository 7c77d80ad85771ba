/* Writes events from its own thread, so that a full, slow, locked or broken disk never delays a
 * check or a signal. Another thread writes the present state (status-writer.h).
 *
 * Events wait in a bounded queue until they are durable; those that don't fit are counted. Only the
 * newest state waits. */
#pragma once

#include "watchdog/core/event/event.h"
#include "watchdog/core/event/recovery.h"
#include "watchdog/record/private-directory.h"

G_BEGIN_DECLS

/* The directories are borrowed and must outlive the writer. It claims them, now or later. */
typedef struct {
  WdPrivateDirectory *state_dir;   /* for history.db */
  WdPrivateDirectory *runtime_dir; /* for status.db */
  const char *run_id;
  const char *boot_id;
  gint64 watchdog_pid;
  gint64 history_max;      /* rows */
  gint64 history_expiry_s; /* age of the oldest row */
} WdWriterOptions;

typedef struct WdWriter WdWriter;

/* Starts the threads. NULL with @error. */
WdWriter *wd_writer_start(const WdWriterOptions *options, GError **error);

/* Takes @event, to be written after the next wd_writer_wake(). Returns at once. */
void wd_writer_append(WdWriter *writer, WdEvent *event);

/* Takes @rows, a GPtrArray that owns its WdProcessStatus; likewise. */
void wd_writer_publish(WdWriter *writer, GPtrArray *rows);

/* Takes @settings, a GPtrArray that owns its WdSetting: those in effect from now on, written with
 * the next state. An observer has none. */
void wd_writer_set_settings(WdWriter *writer, GPtrArray *settings);

/* Wakes the threads to write. It is separate from the two above because the threads may then take
 * the CPU; first do what is urgent, such as starting the next worker. */
void wd_writer_wake(WdWriter *writer);

/* Readable after something that wd_writer_collect() reports has changed. */
int wd_writer_fd(const WdWriter *writer);

/* Makes wd_writer_fd() unreadable.
 * @stored: everything up to this seq is durable; G_MAXUINT64: nothing can be stored at present.
 * @lost: events that found no room and weren't reported yet; 0 until there is room to record it.
 * @recovery: owned by the caller; what happened to a history that couldn't be used, reported once.
 * NULL: nothing. */
void wd_writer_collect(WdWriter *writer, guint64 *stored, guint64 *lost, WdRecovery **recovery);

/* Which extensions the history remembered as given up when it was opened for this run, of
 * WdGivenUp; owned by the caller. NULL: it isn't open yet, or the list was taken before. */
GPtrArray *wd_writer_take_given_up(WdWriter *writer);

/* Writes the events and the state that wait, for at most @wait_us, and frees the writer. Returns:
 * FALSE when events were left unwritten. @hangs: whether a thread hangs and may still write, to the
 * directories, too: then they must stay. */
gboolean wd_writer_finish(WdWriter *writer, gint64 wait_us, gboolean *hangs);

G_END_DECLS
