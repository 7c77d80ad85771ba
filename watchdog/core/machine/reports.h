/* What the tables extension reports of the present worker, and what follows: one home for what we
 * supervise and for what we only observe.
 *
 * Part of the machines (supervisor.h, observe.h); nothing else includes this. */
#pragma once

#include "watchdog/core/machine/lifecycle.h"

G_BEGIN_DECLS

typedef struct {
  gint64 heard_us;        /* the last report on the present worker, or its start */
  GHashTable *denylisted; /* the queries that are recorded for the present worker */
} WdReports;

void wd_reports_init(WdReports *reports);
void wd_reports_clear(WdReports *reports);

/* The worker has been started. */
void wd_reports_begin(WdReports *reports, gint64 now_us);

/* The worker is gone, and all registrations with it. @processes: of WdProcess: the watchdog, the
 * worker, then the extensions; as below. */
void wd_reports_end(WdReports *reports, WdStep *step, GArray *processes);

/* Whether what was reported last may still be believed. */
gboolean wd_reports_come(const WdReports *reports, const WdLimits *limits, gint64 now_us);

/* Takes in an report. */
void wd_reports_take(WdReports *reports, WdStep *step, GArray *processes, const WdReport *report);

/* Shows in the row of @process what was reported of it. */
void wd_reports_show(const WdReports *reports, const WdLimits *limits, const GArray *processes,
                     const WdProcess *process, gint64 now_us, WdProcessStatus *status);

G_END_DECLS
