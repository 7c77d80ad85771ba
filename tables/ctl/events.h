/* The command events: prints recorded events, and with --follow new ones as they come. */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

gboolean ctl_events(const Ctl *ctl, GError **error);

G_END_DECLS
