/* The command events: what happened, and what happens from now on. */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

gboolean ctl_events(const Ctl *ctl, GError **error);

G_END_DECLS
