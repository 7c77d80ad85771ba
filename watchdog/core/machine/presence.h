/* What the tables extension reports of the present worker: whether its manager responds, which
 * extensions are registered with it, and which queries it denylists. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* The worker has been started. */
void wd_presence_begin(WdMachine *machine);

/* The worker is gone, and all registrations with it. */
void wd_presence_end(WdMachine *machine);

/* Takes in a report. */
void wd_presence_take(WdMachine *machine, const WdReport *report);

/* The registration of @extension, if it has one, is gone for @reason: records that. */
void wd_presence_lost(WdMachine *machine, WdProcess *extension, WdReason reason, guint64 cause_seq);

/* Whether so little time has passed since @at_us that no report can have stayed away. */
gboolean wd_presence_is_recent(const WdMachine *machine, gint64 at_us);

/* Whether the present worker is known to answer. */
gboolean wd_presence_worker_answers(const WdMachine *machine);

/* Shows in the row of @process the last report on it, unless reports stay away. */
void wd_presence_show(const WdMachine *machine, const WdProcess *process, gint64 now_us,
                      WdProcessStatus *status);

G_END_DECLS
