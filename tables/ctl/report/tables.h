/* The tables of events. */
#pragma once

#include "tables/ctl/report/events.h"

G_BEGIN_DECLS

void ctl_report_endings(GString *page, const CtlReportEvents *events);
void ctl_report_others(GString *page, const CtlReportEvents *events);

G_END_DECLS
