/* Asks a core about itself, in SQL. Blocking: for the thread that calls the manager. */
#pragma once

#include "thrift/peer.h"

G_BEGIN_DECLS

/* A scheduled query that osquery doesn't run because it once did harm. */
typedef struct {
  char *name;
  char *query;
} ExtDenylisted;

typedef struct {
  char *version;         /* NULL: not known */
  gint64 start_time_s;   /* wall clock; 0: not known */
  gboolean scheduled;    /* its schedule has been read, or it has none to read */
  GPtrArray *denylisted; /* of ExtDenylisted; NULL unless scheduled */
} ExtCoreInfo;

void ext_denylisted_free(ExtDenylisted *denylisted);

/* Returns: NULL with @error when the core gives no answer. A core without these tables has
 * answered. */
ExtCoreInfo *ext_core_info_ask(const WirePeer *peer, GError **error);
void ext_core_info_free(ExtCoreInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtCoreInfo, ext_core_info_free)

G_END_DECLS
