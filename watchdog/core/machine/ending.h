/* How a supervisor ends a process: the first signal, SIGKILL after the grace time, and the event
 * when it is gone; and how it ends all of them, and itself. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* --- one process --- */

/* Whether @reason is a limit exceeded. */
gboolean wd_ending_is_for_limit(WdReason reason);

/* The process is over a limit: records limit_exceeded. The signals follow once that is stored, or
 * after WD_STORE_WAIT_US. */
void wd_ending_for_limit(WdMachine *machine, WdProcess *process, const WdVerdict *breach);

/* Ends a running process with SIGTERM and, after the grace time that goes with @reason, SIGKILL;
 * gives up one that waits. A process that is being spawned has to be ended once it has been.
 * @cause_seq: the event that led to it; 0: none. */
void wd_ending_begin(WdMachine *machine, WdProcess *process, WdReason reason, guint64 cause_seq);

/* Everything up to @seq is stored. */
void wd_ending_stored(WdMachine *machine, WdProcess *process, guint64 seq);

/* Time has passed: begins the next stage, if it is due. */
void wd_ending_advance(WdMachine *machine, WdProcess *process);

/* When the next stage is due; G_MAXINT64: never. */
gint64 wd_ending_deadline(const WdProcess *process);

/* The process is gone, and a signal of ours is the cause: records process_terminated. Returns: the
 * event's number. */
guint64 wd_ending_record(WdMachine *machine, WdProcess *process);

/* --- everything --- */

/* Ends all processes, to leave with @exit_code. The first call decides; others do nothing.
 * @cause_seq: the event that led to it; 0: none. */
void wd_ending_all(WdMachine *machine, WdReason reason, int exit_code, guint64 cause_seq);

/* Ends @process because everything is being ended. */
void wd_ending_stop(WdMachine *machine, WdProcess *process);

/* We are asked to stop: the first request gives processes their grace time, the second kills them.
 */
void wd_ending_stop_requested(WdMachine *machine);

/* Records watchdog_stopped and leaves, once no process runs that can be ended. */
void wd_ending_finish(WdMachine *machine);

G_END_DECLS
