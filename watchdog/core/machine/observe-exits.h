/* How an observer records ends of children that follow from no limit. What led to one may show only
 * after it. So an end that may follow from the worker's end, or from the watcher's stop, is held
 * until one of these comes, or doesn't come in time. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* Records @event, the end of @process, and what follows for registrations. The process has no pid
 * any more; @event has it. Takes @event. */
void wd_observe_record_end(WdMachine *machine, WdProcess *process, WdEvent *event,
                           WdRecordFlags flags);

/* The same for @event, a process_exited that has no cause yet; but perhaps later. */
void wd_observe_exited(WdMachine *machine, WdProcess *process, WdEvent *event);

/* @process is found again: records what is held of it. */
void wd_observe_settle(WdMachine *machine, WdProcess *process);

/* Time has passed: records what nothing has led to. */
void wd_observe_settle_due(WdMachine *machine);

/* When wd_observe_settle_due() records something; G_MAXINT64: never. */
gint64 wd_observe_settle_due_us(const WdMachine *machine);

/* Whether the worker has just ended as if the watcher had stopped it. */
gboolean wd_observe_worker_fits_stop(const WdMachine *machine);

/* The watcher stops, and ended whatever is held and can have ended like that, as a supervisor
 * records the ends that its own stop leads to. @worker_too: not if the watcher stops because of it.
 */
void wd_observe_attribute_to_stop(WdMachine *machine, gboolean worker_too);

/* Records all that is held. */
void wd_observe_settle_all(WdMachine *machine);

/* The watcher stops: records that whatever lives ends, too. */
void wd_observe_dismiss_all(WdMachine *machine);

G_END_DECLS
