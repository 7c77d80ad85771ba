/* Asks a worker which limits its watcher has, because they share one command line, and where it
 * writes its log. This takes a thread of its own, because a worker may be slow to answer. */
#pragma once

#include "watchdog/core/settings/limits.h"

G_BEGIN_DECLS

typedef struct ExtWatcherFlags ExtWatcherFlags;

/* Called in the thread of the default main context.
 * @limits: NULL: there was no valid answer. @log_directory: NULL: no log. @pid: of the process that
 * listens on the socket; 0: none does. */
typedef void (*ExtWatcherFlagsAnswered)(const WdLimits *limits, const char *log_directory,
                                        gint64 pid, gpointer user_data);

/* Asks at @socket, which is borrowed. Calls @answered once, unless it is freed before that, or no
 * thread could be started. */
ExtWatcherFlags *ext_watcher_flags_ask(const char *socket, ExtWatcherFlagsAnswered answered,
                                       gpointer user_data);

/* Stops asking. NULL is allowed. */
void ext_watcher_flags_free(ExtWatcherFlags *flags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtWatcherFlags, ext_watcher_flags_free)

G_END_DECLS
