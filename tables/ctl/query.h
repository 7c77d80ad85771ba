/* The command query: SQL over the tables, from the command line, standard input or a prompt. */
#pragma once

#include "tables/ctl/session.h"

G_BEGIN_DECLS

gboolean ctl_query(const Ctl *ctl, GError **error);

G_END_DECLS
