/* A process's picture, and its figures as a table. */
#pragma once

#include "tables/ctl/report/events.h"
#include "tables/ctl/report/samples.h"

G_BEGIN_DECLS

/* @number: the process's place on the page. */
void ctl_report_figure(GString *page, const CtlReportProcess *process,
                       const CtlReportEvents *events, guint number);

G_END_DECLS
