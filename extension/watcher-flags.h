/* Asks a worker which limits its watcher has: they share one command line. In a thread of its own,
 * because a worker may be slow to answer. */
#pragma once

#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

typedef struct ExtWatcherFlags ExtWatcherFlags;

/* @limits: NULL: it gave no answer that makes sense. @pid: of the process that listens on the
 * socket; 0: none does. Called in the thread of the default main context. */
typedef void (*ExtWatcherFlagsAnswered)(const WdLimits *limits, gint64 pid, gpointer user_data);

/* Asks at @socket. Calls @answered once, unless it is freed before or there is no thread for it. */
ExtWatcherFlags *ext_watcher_flags_ask(const char *socket, ExtWatcherFlagsAnswered answered,
                                       gpointer user_data);

/* Gives up asking, if it is not over. NULL is allowed. */
void ext_watcher_flags_free(ExtWatcherFlags *flags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtWatcherFlags, ext_watcher_flags_free)

G_END_DECLS
