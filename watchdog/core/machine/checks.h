/* When each process is measured, and whether going over a limit counts then: one home for what we
 * supervise and for what we only observe.
 *
 * Part of the machines (supervisor.h, observe.h); nothing else includes this. */
#pragma once

#include "watchdog/core/machine/lifecycle.h"

G_BEGIN_DECLS

typedef struct {
  const WdLimits *limits; /* borrowed */
  GArray *processes;    /* of WdProcess, borrowed: the watchdog, the worker, then the extensions */
  gint64 next_check_us; /* the regular one, of all of them */
  gint64 enforced_from_us; /* the worker's latest start plus watchdog_delay; WD_NONE: none yet */
} WdChecks;

/* @process is over a limit, which counts now. */
typedef void (*WdChecksOver)(WdStep *step, WdProcess *process, const WdBreach *breach,
                             gpointer user_data);

/* Whether going over a limit has consequences for @process at @now_us. */
gboolean wd_checks_watched(const WdChecks *checks, const WdProcess *process, gint64 now_us);

/* Whether a look at @now_us should carry a sample of process @index. */
gboolean wd_checks_wants_sample(const WdChecks *checks, guint index, gint64 now_us);

/* Takes in what was wanted; a regular check also publishes the state. @samples: one per process,
 * NULL where none was wanted or could be had. */
void wd_checks_look(WdChecks *checks, WdStep *step, const WdSample *const *samples,
                    WdChecksOver over, gpointer user_data);

/* When to look next: the regular check, or at somebody's memory before it. */
gint64 wd_checks_deadline(const WdChecks *checks);

G_END_DECLS
