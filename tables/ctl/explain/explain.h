/* The command explain: how and why a process ended. */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

gboolean ctl_explain(const Ctl *ctl, GError **error);

G_END_DECLS
