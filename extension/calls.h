/* Calls to the extension manager, one at a time, each in a thread of its own, so that the main loop
 * keeps answering: a query that we send may make osquery call us. Each has a deadline. */
#pragma once

#include <glib.h>

#include "extension/core-info.h"
#include "extension/registration.h"
#include "thrift/table.h"

G_BEGIN_DECLS

typedef struct ExtCalls ExtCalls;

typedef struct {
  ExtEvent event;
  gint64 uuid;        /* of EXT_REGISTERED */
  char *text;         /* the reason that the core or the system gave; NULL for success */
  gint64 manager_pid; /* of the process that listens on the manager's socket; 0: not known */
  GPtrArray *entries; /* of WireExtensionEntry: all that are registered, when VERIFY was answered */
  gboolean info_asked;
  ExtCoreInfo *info; /* when it was asked for, and answered */
} ExtCallResult;

/* A call has ended. Called in the thread of the default main context; may begin the next call.
 * @result: borrowed. */
typedef void (*ExtCallEnded)(const ExtCallResult *result, gpointer user_data);

/* @socket: the manager's; copied. @tables: those to register; borrowed. */
ExtCalls *ext_calls_new(const char *socket, const WireTable *tables, guint n_tables,
                        ExtCallEnded ended, gpointer user_data);

/* Begins @call; none may be under way. @uuid: ours, for VERIFY and DEREGISTER. @with_info: asks a
 * core that has confirmed us for more. */
void ext_calls_begin(ExtCalls *calls, ExtCall call, gint64 uuid, gboolean with_info);

/* Whether a call is under way that the core has not answered yet. */
gboolean ext_calls_unanswered(ExtCalls *calls);

/* Has the call under way end early, if there is one; it still calls @ended. */
void ext_calls_cancel(ExtCalls *calls);

/* Cancels, waits for the thread, and calls @ended no more. NULL is allowed. */
void ext_calls_free(ExtCalls *calls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtCalls, ext_calls_free)

G_END_DECLS
