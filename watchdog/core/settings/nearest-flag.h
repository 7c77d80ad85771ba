/* Guesses which flag a misspelt name means. */
#pragma once

#include "watchdog/core/settings/flag-word.h"

G_BEGIN_DECLS

/* @name: of an unknown flag, without its leading dashes.
 * A name is near if it differs only in case, in dashes for underscores, or in one character (added,
 * missing or another one) for each four of the flag's name, two at most. So a short name isn't
 * taken for another short one: osqueryi's --profile isn't --pidfile. A boolean may have its "no".
 * Returns: the nearest of @specs, the first of several; NULL: none is near. */
const WdFlagSpec *wd_flag_nearest(const WdFlagSpec *specs, gsize n_specs, const char *name);

G_END_DECLS
