/* Where this program's reports go: to osquery-watchdogd, which started it; or to the store, which
 * it writes itself as the observer of a watcher that isn't ours; or nowhere. */
#pragma once

#include "extension/calls.h"
#include "extension/options.h"
#include "tables/store.h"

G_BEGIN_DECLS

typedef struct ExtRole ExtRole;

/* Called from the default main context: the observed watcher is gone. Must not free the role. */
typedef void (*ExtRoleOver)(gpointer user_data);

/* Signals must be blocked. If a watcher started us, observing begins at once, because the worker
 * may never answer. @options, @store: borrowed. */
ExtRole *ext_role_new(const ExtOptions *options, TableStore *store, ExtRoleOver over,
                      gpointer user_data);

/* @call is about to be made. Returns: whether to ask the core for its info as well. */
gboolean ext_role_calling(ExtRole *role, ExtCall call, ExtCalls *calls);

/* A call has ended. @own_uuid: of our registration. @stopping: we are ending, and cancelled it. */
void ext_role_called(ExtRole *role, const ExtCallResult *result, gint64 own_uuid,
                     gboolean stopping);

/* Closes the run that is being written, and waits a moment for the disk. */
void ext_role_free(ExtRole *role);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtRole, ext_role_free)

G_END_DECLS
