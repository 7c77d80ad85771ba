/* The command report: one HTML page.
 *
 * All text that comes from the store is made visible (text.h) when it is read, and escaped when it
 * is put into the page (html.h). */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

gboolean ctl_report(const Ctl *ctl, GError **error);

G_END_DECLS
