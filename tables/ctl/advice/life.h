/* How the memory of a process grew, from the samples of its life. */
#pragma once

#include "tables/ctl/advice/finding.h"

G_BEGIN_DECLS

/* Sets the growth of @finding, which a row has just been read into. It stays unknown if no memory
 * limit was exceeded, and if the samples are gone: they are kept for a day, but not across a
 * reboot. A table that can't be read leaves it unknown, too. */
void ctl_life_read(sqlite3 *db, CtlFinding *finding);

G_END_DECLS
