/* Reports what only an extension can see: which extensions are registered with the core, which
 * process serves each one, and whether it answers; the core's version; newly denylisted queries.
 * The reports go to osquery-watchdogd over the channel, or to this program's observer. */
#pragma once

#include "extension/channel.h"
#include "extension/core-info.h"
#include "tables/store.h"

G_BEGIN_DECLS

typedef struct ExtReporter ExtReporter;

/* Takes a report. Called from the default main context; must not block; may change @report. After
 * EXT_SENT_LATER, a denylisted query is sent again; a list is not, because another one follows. */
typedef ExtSent (*ExtReporterSend)(WdReport *report, gpointer user_data);

/* @socket: the manager's. @store: where the history is read; both borrowed.
 * @interval_us: between two lists. */
ExtReporter *ext_reporter_new(const char *socket, TableStore *store, gint64 interval_us,
                              ExtReporterSend send, gpointer user_data);
void ext_reporter_free(ExtReporter *reporter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtReporter, ext_reporter_free)

/* Whether to ask the core for its ExtCoreInfo: once, but while its schedule is empty, again after
 * longer and longer times. */
gboolean ext_reporter_wants_info(const ExtReporter *reporter);

/* We are registered with the core that is process @manager_pid. */
void ext_reporter_core(ExtReporter *reporter, gint64 manager_pid);

/* The core was asked for its info. @info: NULL: it didn't answer. */
void ext_reporter_info(ExtReporter *reporter, const ExtCoreInfo *info);

/* The core has listed the registered extensions: pings them all in a job, and reports.
 * @entries: of WireExtensionEntry; a reference is kept. @own_uuid: ours. */
void ext_reporter_listed(ExtReporter *reporter, GPtrArray *entries, gint64 own_uuid);

/* The core doesn't answer. @manager_pid: its process; 0: not known. */
void ext_reporter_unanswered(ExtReporter *reporter, gint64 manager_pid);

G_END_DECLS
