/* Finds the entry that an observed extension has: that of one that ran before, or a new one. */
#pragma once

#include "watchdog/core/machine/frame.h"

G_BEGIN_DECLS

/* The entry for @found, which is made if there is none: see wd_observe_new(). It learns its path
 * from @found. Returns: NULL when @found has ended, and nothing shows which of several it was. */
WdProcess *wd_observe_entry(WdMachine *machine, const WdFound *found);

G_END_DECLS
