/* osquery's pidfile: locked for as long as the daemon runs, so that two never use one database
 * (osquery/utils/pidfile). The worker takes none; whoever is in the watcher's place does. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WdPidfile WdPidfile;

/* Opens (0600), locks and fills the file. @force: when somebody else has it, and that is an
 * osqueryd or one of us by its process's name, kills it first and waits for at most 10 s, as
 * osquery does. NULL with @error: G_FILE_ERROR_AGAIN when somebody has it. */
WdPidfile *wd_pidfile_take(const char *path, gboolean force, GError **error);

/* Gives it back and removes it. NULL is allowed. */
void wd_pidfile_free(WdPidfile *pidfile);

G_END_DECLS
