/* Sees for the watchdog what it can't: who is registered with the core, served by which process,
 * and whether they answer; the core's version; which queries it newly denylists. Tells it by the
 * channel (watchdog/core/observation.h), which never blocks us: what finds no room is told later.
 */
#pragma once

#include "extension/core-info.h"
#include "tables/tables.h"

G_BEGIN_DECLS

typedef struct ExtObserver ExtObserver;

/* The descriptor that @text names, made close-on-exec; -1: @text is NULL, or it is no such channel.
 */
int ext_observer_descriptor(const char *text);

/* @fd: the channel; taken. @socket: the manager's. @store: where the history is read; both
 * borrowed.
 * @interval_us: between two lists. */
ExtObserver *ext_observer_new(int fd, const char *socket, TableStore *store, gint64 interval_us);
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
