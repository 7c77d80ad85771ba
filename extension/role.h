/* What this program sees for the record, and for whom: for osquery-watchdogd, which started it; or
 * for the store that it writes itself, as the observer of a watcher that isn't ours; or for nobody.
 */
#pragma once

#include "extension/calls.h"
#include "extension/options.h"
#include "tables/store.h"

G_BEGIN_DECLS

typedef struct ExtRole ExtRole;

/* Called from the default main context: the watcher that was observed is gone. Must not free the
 * role. */
typedef void (*ExtRoleOver)(gpointer user_data);

/* Signals must be blocked. Started by a watcher it begins at once, for the worker may never answer.
 * @options, @store: borrowed. */
ExtRole *ext_role_new(const ExtOptions *options, TableStore *store, ExtRoleOver over,
                      gpointer user_data);

/* @call is about to be made. Returns: whether the core should be asked for its info along with it.
 */
gboolean ext_role_calling(ExtRole *role, ExtCall call, ExtCalls *calls);

/* How a call ended. @own_uuid: of our registration. @stopping: we end, and cancelled it. */
void ext_role_called(ExtRole *role, const ExtCallResult *result, gint64 own_uuid,
                     gboolean stopping);

/* Closes what is written, and waits a moment for the disk. */
void ext_role_free(ExtRole *role);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtRole, ext_role_free)

G_END_DECLS
