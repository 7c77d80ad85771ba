/* Calls to the extension manager, one at a time. Each has a deadline and a thread of its own, so
 * the main loop keeps answering: a query that we send may make osquery call us. */
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
  char *text;         /* the core's or the system's reason; NULL for success */
  gint64 manager_pid; /* of the process that listens on the manager's socket; 0: not known */
  GPtrArray *entries; /* all registered WireExtensionEntry, if VERIFY was answered */
  gboolean info_asked;
  ExtCoreInfo *info; /* NULL: it was not asked for, or the core didn't answer */
} ExtCallResult;

/* A call has ended. Called in the thread of the default main context; may begin another call.
 * @result: borrowed. */
typedef void (*ExtCallEnded)(const ExtCallResult *result, gpointer user_data);

/* @socket: the manager's. @tables: those to register. Both are borrowed. */
ExtCalls *ext_calls_new(const char *socket, const WireTable *tables, guint n_tables,
                        ExtCallEnded ended, gpointer user_data);

/* Begins @call; none may be under way. @uuid: ours, for VERIFY and DEREGISTER. @with_info: VERIFY
 * asks a core that lists us for its info as well. */
void ext_calls_begin(ExtCalls *calls, ExtCall call, gint64 uuid, gboolean with_info);

/* Whether a call is under way that the core has not answered yet. */
gboolean ext_calls_unanswered(ExtCalls *calls);

/* Makes the call under way end early, if there is one; it still calls @ended. */
void ext_calls_cancel(ExtCalls *calls);

/* Cancels, and waits for the thread. @ended is not called any more. NULL is allowed. */
void ext_calls_free(ExtCalls *calls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtCalls, ext_calls_free)

G_END_DECLS
