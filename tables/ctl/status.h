/* The command status: what the watchdog and its processes are doing now. */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

gboolean ctl_status(const Ctl *ctl, GError **error);

G_END_DECLS
