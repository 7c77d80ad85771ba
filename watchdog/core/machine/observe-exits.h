/* How an observer records the ends of children that don't follow from a limit. The cause of such an
 * end may show only later. So an end that may follow from the worker's end, or from the watcher's
 * stop, is held until one of these comes, or until it is too late for both. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Records @event, the end of @process, and what follows for registrations. The process has no pid
 * any more; @event has it. Takes @event. */
void wd_observe_record_end(WdMachine *machine, WdProcess *process, WdEvent *event,
                           WdRecordFlags flags);

/* The same for @event, a process_exited without a cause. Holds it if a cause may still show. */
void wd_observe_exited(WdMachine *machine, WdProcess *process, WdEvent *event);

/* @process is found again: records what is held of it. */
void wd_observe_settle(WdMachine *machine, WdProcess *process);

/* Time has passed: records what nothing has led to. */
void wd_observe_settle_due(WdMachine *machine);

/* When wd_observe_settle_due() records something; G_MAXINT64: never. */
gint64 wd_observe_settle_due_us(const WdMachine *machine);

/* Whether the worker has just ended as if the watcher had stopped it. */
gboolean wd_observe_worker_fits_stop(const WdMachine *machine);

/* The watcher stops: of the ends that are held, makes those that fit a stop the watcher's doing, as
 * a supervisor records the ends that its own stop leads to. @worker_too: FALSE if the watcher stops
 * because of the worker. */
void wd_observe_attribute_to_stop(WdMachine *machine, gboolean worker_too);

/* Records all that is held. */
void wd_observe_settle_all(WdMachine *machine);

/* The watcher stops: records that whatever lives ends, too. */
void wd_observe_dismiss_all(WdMachine *machine);

G_END_DECLS
