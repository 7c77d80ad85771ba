/* osquery's pidfile: locked for as long as the daemon runs, so that two daemons never use one
 * database (osquery/utils/pidfile). The watcher takes it, not the worker; so we do. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WdPidfile WdPidfile;

/* Opens (ours, 0600), locks and fills the file. Symbolic links are followed as osquery follows
 * them, but only root's and our own; a link that leads nowhere has its file made.
 * @force: if another process has the lock, and its name is that of osqueryd or ours, kills it first
 * and waits for at most 10 s, as osquery does. If it ends, its other locks are free on return.
 * Returns: NULL with @error; G_FILE_ERROR_AGAIN: another process has the lock. */
WdPidfile *wd_pidfile_take(const char *path, gboolean force, GError **error);

/* Whether the file could be opened, as far as that shows without changing anything. Who has the
 * lock isn't looked at. Returns: FALSE with @error as above. */
gboolean wd_pidfile_check(const char *path, GError **error);

/* Removes the file, not a link to it, and releases the lock. NULL is allowed. */
void wd_pidfile_free(WdPidfile *pidfile);

G_END_DECLS
