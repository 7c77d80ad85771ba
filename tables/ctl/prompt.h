/* A prompt for SQL at a terminal. */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

/* Asks for statements until the user leaves, and shows their errors.
 * Returns: FALSE with @error when lines can't be edited at this terminal. */
gboolean ctl_prompt(const Ctl *ctl, GError **error);

G_END_DECLS
