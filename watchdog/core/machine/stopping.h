/* How a supervisor ends everything, and itself. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Ends everything, to leave with @exit_code; the first reason stands. @cause_seq: the event that
 * led to it; 0: none. */
void wd_stopping_begin(WdMachine *machine, WdReason reason, int exit_code, guint64 cause_seq);

/* Ends @process because everything is being ended. */
void wd_stopping_end(WdMachine *machine, WdProcess *process);

/* Asked to stop: the first time in order, the second time at once. */
void wd_stopping_requested(WdMachine *machine);

/* Records watchdog_stopped and leaves, once nothing runs that can be stopped. */
void wd_stopping_finish(WdMachine *machine);

G_END_DECLS
