/* Whether the processes are present to osquery: what the tables extension reports of the present
 * worker's manager, of the extensions registered with it, and of the queries it denylists. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* The worker has been started. */
void wd_presence_begin(WdMachine *machine);

/* The worker is gone, and all registrations with it. */
void wd_presence_end(WdMachine *machine);

/* Takes in a report. */
void wd_presence_take(WdMachine *machine, const WdReport *report);

/* The registration of @extension is gone, for @reason: records that if there was one. */
void wd_presence_lost(WdMachine *machine, WdProcess *extension, WdReason reason, guint64 cause_seq);

/* Shows in the row of @process what was reported of it, as long as reports come. */
void wd_presence_show(const WdMachine *machine, const WdProcess *process, gint64 now_us,
                      WdProcessStatus *status);

G_END_DECLS
