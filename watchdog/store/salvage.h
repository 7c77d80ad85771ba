/* Copies what can still be read of a damaged history. */
#pragma once

#include "watchdog/store/database.h"

G_BEGIN_DECLS

/* Copies the readable events of @source, of whatever version, up to the eid @most, into @target,
 * inside the caller's transaction. Those that are there already stay as they are. The newest run is
 * copied, too, if @target has none. Goes around damage in a bounded number of attempts.
 * @saved: how many events.
 * Returns: FALSE with @error in WD_STORE_ERROR when @target can't be written; damage in @source is
 * no failure. */
gboolean wd_salvage(sqlite3 *source, sqlite3 *target, gint64 most, gint64 *saved, GError **error);

G_END_DECLS
