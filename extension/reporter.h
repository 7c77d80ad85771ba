/* Reports what only an extension can see: which extensions are registered with the core, by which
 * process each is served, and whether they answer; the core's version; which queries it newly
 * denylists. The reports go to osquery-watchdogd by the channel, or to the observer in this
 * program. */
#pragma once

#include "extension/channel.h"
#include "extension/core-info.h"
#include "tables/store.h"

G_BEGIN_DECLS

typedef struct ExtReporter ExtReporter;

/* Called from the default main context; must not block. May change @report. A query that finds no
 * room is sent again; a list is not, because the next one follows. */
typedef ExtSent (*ExtReporterSend)(WdReport *report, gpointer user_data);

/* @socket: the manager's. @store: where the history is read; both borrowed.
 * @interval_us: between two lists. */
ExtReporter *ext_reporter_new(const char *socket, TableStore *store, gint64 interval_us,
                              ExtReporterSend send, gpointer user_data);
void ext_reporter_free(ExtReporter *reporter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtReporter, ext_reporter_free)

/* Whether the core should be asked for its ExtCoreInfo: once, or, while its schedule is empty,
 * again after ever longer times. */
gboolean ext_reporter_wants_info(const ExtReporter *reporter);

/* We are registered with the core that is process @manager_pid. */
void ext_reporter_core(ExtReporter *reporter, gint64 manager_pid);

/* The core was asked for its info. @info: its answer; NULL: it gave none. */
void ext_reporter_info(ExtReporter *reporter, const ExtCoreInfo *info);

/* The core has listed the registered extensions: pings them all, in a job, and reports.
 * @entries: of WireExtensionEntry; a reference is kept. @own_uuid: ours among them. */
void ext_reporter_listed(ExtReporter *reporter, GPtrArray *entries, gint64 own_uuid);

/* The core doesn't answer. @manager_pid: its process; 0: not known. */
void ext_reporter_unanswered(ExtReporter *reporter, gint64 manager_pid);

G_END_DECLS
