/* The section "What to change". */
#pragma once

#include "tables/ctl/report/events.h"

G_BEGIN_DECLS

/* From what happened since @oldest_s. @events: those that the page shows. Returns: FALSE with
 * @error. */
gboolean ctl_report_advice(GString *page, const Ctl *ctl, const CtlReportEvents *events,
                           gint64 oldest_s, GError **error);

G_END_DECLS
