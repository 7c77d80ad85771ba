/* The store that the observer writes: its directories, locked against other writing processes, and
 * the writer. */
#pragma once

#include "watchdog/record/writer.h"

G_BEGIN_DECLS

typedef struct ExtOwnStore ExtOwnStore;

/* Begins a run, which is about the watcher @watcher_pid.
 * Returns: NULL with @error when the directories can't be used; G_FILE_ERROR_AGAIN when another
 * process writes there. */
ExtOwnStore *ext_own_store_new(const char *state_dir, const char *runtime_dir, gint64 watcher_pid,
                               GError **error);

/* Borrowed. */
WdWriter *ext_own_store_writer(const ExtOwnStore *store);

/* Waits a moment for the disk. Returns: FALSE when something is left unwritten. It may be written
 * later, so the directories stay locked, and this process must not begin another run. */
gboolean ext_own_store_free(ExtOwnStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtOwnStore, ext_own_store_free)

G_END_DECLS
