/* Reads which extensions the history remembers as given up (core/event/given-up.h). */
#pragma once

#include "watchdog/core/event/given-up.h"
#include "watchdog/store/database.h"

G_BEGIN_DECLS

/* @now_s: wall clock. Returns: of WdGivenUp, the newest first, at most 256, which is more than
 * osquery has extensions; NULL with @error. */
GPtrArray *wd_given_up_read(sqlite3 *db, gint64 now_s, GError **error);

G_END_DECLS
