/* The store, for us to write: its directories, which nobody else may write in meanwhile, and the
 * writer. */
#pragma once

#include "watchdog/record/writer.h"

G_BEGIN_DECLS

typedef struct ExtOwnStore ExtOwnStore;

/* Begins a run.
 * @watcher_pid: of the watchdog that the run tells of.
 * Returns: NULL with @error when the directories can't be had: G_FILE_ERROR_AGAIN: somebody else
 * writes there. */
ExtOwnStore *ext_own_store_new(const char *state_dir, const char *runtime_dir, gint64 watcher_pid,
                               GError **error);

/* Borrowed. */
WdWriter *ext_own_store_writer(const ExtOwnStore *store);

/* Waits a moment for the disk. Returns: FALSE when something was left unwritten; it may still be
 * written, and so this process must begin no other run: the directories stay locked. */
gboolean ext_own_store_free(ExtOwnStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtOwnStore, ext_own_store_free)

G_END_DECLS
