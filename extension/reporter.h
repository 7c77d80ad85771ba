/* Sees what only an extension can: who is registered with the core, served by which process, and
 * whether they answer; the core's version; which queries it newly denylists. Tells it whoever keeps
 * the record: osquery-watchdogd by the channel, or the witness in this program. */
#pragma once

#include "extension/channel.h"
#include "extension/core-info.h"
#include "tables/tables.h"

G_BEGIN_DECLS

typedef struct ExtObserver ExtObserver;

/* Called from the default main context; must not block. What finds no room is told again. May
 * change @observation. */
typedef ExtTold (*ExtObserverTell)(WdObservation *observation, gpointer user_data);

/* @socket: the manager's. @store: where the history is read; both borrowed.
 * @interval_us: between two lists. */
ExtObserver *ext_observer_new(const char *socket, TableStore *store, gint64 interval_us,
                              ExtObserverTell tell, gpointer user_data);
void ext_observer_free(ExtObserver *observer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtObserver, ext_observer_free)

/* Whether the core should be asked for its ExtCoreInfo: once, or, while its schedule is empty,
 * again and again, more and more rarely. */
gboolean ext_observer_wants_info(const ExtObserver *observer);

/* We are registered with the core that is process @manager_pid. */
void ext_observer_core(ExtObserver *observer, gint64 manager_pid);

/* The core was asked for its info. @info: its answer; NULL: it gave none. */
void ext_observer_info(ExtObserver *observer, const ExtCoreInfo *info);

/* The core has listed who is registered: pings them all, in a thread of its own, and reports.
 * @entries: of WireExtensionEntry; a reference is kept. @own_uuid: ours among them. */
void ext_observer_listed(ExtObserver *observer, GPtrArray *entries, gint64 own_uuid);

/* The core doesn't answer. @manager_pid: who it is, if that is known; else 0. */
void ext_observer_unanswered(ExtObserver *observer, gint64 manager_pid);

G_END_DECLS
