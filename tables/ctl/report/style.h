/* The style sheet. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Static. */
const char *ctl_report_style(void);

G_END_DECLS
