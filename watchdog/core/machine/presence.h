/* Whether a process is present to osquery: what the tables extension reports of the worker's
 * manager and of the extensions registered with it, and what follows from that.
 *
 * Part of the supervisor, beside lifecycle.h; nothing else includes this. */
#pragma once

#include "watchdog/core/machine/lifecycle.h"

G_BEGIN_DECLS

/* A new process: nothing is known of it. */
void wd_presence_reset(WdProcess *process);

/* The worker's manager, in a report. */
void wd_presence_worker(WdProcess *worker, const WdReport *report);

/* An extension, in a report that lists who is registered: records what changed, and ends it when it
 * lives unregistered for too long. @fresh: the report before this one is not long ago, so that
 * nothing can have happened between them unseen. */
void wd_presence_extension(WdStep *step, WdProcess *extension, const WdReport *report,
                           gboolean fresh);

/* Its registration is gone, for @reason; records that if there was one. */
void wd_presence_lost(WdStep *step, WdProcess *extension, WdReason reason, guint64 cause_seq);

/* @known: reports come. */
void wd_presence_show(const WdProcess *process, gboolean known, WdProcessStatus *status);

G_END_DECLS
