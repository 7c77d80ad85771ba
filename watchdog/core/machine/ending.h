/* How a supervisor ends a process: the first signal, SIGKILL after the grace time, and what to say
 * of it when it is gone. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Whether @reason is a limit exceeded. */
gboolean wd_ending_is_for_limit(WdReason reason);

/* Over a limit: records limit_exceeded; the signals follow once it is stored, or was given its
 * time. */
void wd_ending_for_limit(WdMachine *machine, WdProcess *process, const WdBreach *breach);

/* Ends what runs with SIGTERM and, after @grace_us, SIGKILL; gives up what waits. A process that is
 * being spawned has to be ended once it has been. @cause_seq: the event that led to it; 0: none. */
void wd_ending_begin(WdMachine *machine, WdProcess *process, WdReason reason, gint64 grace_us,
                     guint64 cause_seq);

/* Everything up to @seq is stored. */
void wd_ending_stored(WdMachine *machine, WdProcess *process, guint64 seq);

/* Time has passed: the next stage, if it is due. */
void wd_ending_advance(WdMachine *machine, WdProcess *process);

/* When the next stage is due; G_MAXINT64: never. */
gint64 wd_ending_deadline(const WdProcess *process);

/* No more grace. */
void wd_ending_kill_now(WdMachine *machine, WdProcess *process);

/* The process is gone, and a signal of ours is the cause: records process_terminated. Returns: its
 * number. */
guint64 wd_ending_record(WdMachine *machine, WdProcess *process);

G_END_DECLS
