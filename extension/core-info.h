/* Asks a core about itself, with SQL. Blocking: for the thread that calls the manager. */
#pragma once

#include "thrift/peer.h"

G_BEGIN_DECLS

/* A scheduled query that osquery doesn't run, because the worker once ended while it ran. */
typedef struct {
  char *name;
  char *query;
} ExtDenylisted;

typedef struct {
  char *version;         /* NULL: not known */
  gint64 start_time_s;   /* wall clock; 0: not known */
  gboolean scheduled;    /* the schedule isn't empty, or the core has no such table */
  GPtrArray *denylisted; /* of ExtDenylisted; NULL unless scheduled */
} ExtCoreInfo;

void ext_denylisted_free(ExtDenylisted *denylisted);

/* Returns: NULL with @error when the core doesn't answer. To lack these tables is an answer. */
ExtCoreInfo *ext_core_info_ask(const WirePeer *peer, GError **error);
void ext_core_info_free(ExtCoreInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtCoreInfo, ext_core_info_free)

G_END_DECLS
