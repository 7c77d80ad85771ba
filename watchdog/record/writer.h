/* Writes events from a thread of its own, so that a full, slow, locked or broken disk never delays
 * a check or a signal; and the present state from another one (status-writer.h).
 *
 * Events wait in a bounded queue until they are durable; what doesn't fit is counted. Of the state
 * only the newest waits. */
#pragma once

#include "watchdog/core/event/event.h"
#include "watchdog/core/event/process-status.h"
#include "watchdog/core/event/recovery.h"

G_BEGIN_DECLS

typedef struct {
  const char *history_path;
  const char *status_path;
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

/* Has the threads write what there is. Apart from the two above, because they may then get the CPU:
 * first comes what is urgent, such as starting the next worker. */
void wd_writer_wake(WdWriter *writer);

/* Readable after something that wd_writer_collect() tells has changed. */
int wd_writer_fd(const WdWriter *writer);

/* Makes wd_writer_fd() unreadable.
 * @stored: everything up to this seq is durable.
 * @lost: events that found no room since the last call; told once there is room to record it.
 * @recovery: owned by the caller; what became of a history that could not be used, told once. NULL:
 * nothing of that kind. */
void wd_writer_collect(WdWriter *writer, guint64 *stored, guint64 *lost, WdRecovery **recovery);

/* Writes what waits, trying for at most @wait_us, and frees the writer. Returns: FALSE when
 * something was left unwritten, or a thread hangs that may still write. */
gboolean wd_writer_finish(WdWriter *writer, gint64 wait_us);

G_END_DECLS
