/* The section "What to change". */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

/* From what happened since @oldest_s. Returns: FALSE with @error. */
gboolean ctl_report_advice(GString *page, const Ctl *ctl, gint64 oldest_s, GError **error);

G_END_DECLS
