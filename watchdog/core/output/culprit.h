/* Which query a worker was executing when it exceeded a limit, or when it ended, and how that is
 * known. Pure. */
#pragma once

#include "watchdog/core/kernel/details.h"
#include "watchdog/core/output/said.h"

G_BEGIN_DECLS

typedef struct {
  WdOrigin origin;
  char *query_name; /* owned, as the next three; NULL: not known */
  char *query;
  char *thread;  /* the busiest one */
  char *details; /* JSON with the keys `evidence`, `query_cut` and `said` (docs/tables.md); NULL:
                    nothing is known */
} WdCulprit;

void wd_culprit_clear(WdCulprit *culprit);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WdCulprit, wd_culprit_clear)

/* Who asks for queries in a thread of that name (osquery names its threads): WD_ORIGIN_NONE if
 * nobody does. @name: as the kernel keeps it, cut to 15 bytes. */
WdOrigin wd_culprit_origin_of_thread(const char *name);

/* If the busiest thread is one that asks for queries, it has the origin, and the query is what that
 * very thread said last, unless that had ended before @busiest counts from. Otherwise it is the
 * only query that was said and hasn't ended; of two, neither.
 * @said: NULL: nothing is heard of it. @busiest: NULL: nobody looked at its threads, because it was
 * gone. @now_us: monotonic. @culprit: set; clear it. */
void wd_culprit_find(const WdSaid *said, const WdBusiest *busiest, gint64 now_us,
                     WdCulprit *culprit);

/* Copies into @event what isn't there yet. @event: a worker's limit_exceeded, would_terminate,
 * process_terminated or process_exited. */
void wd_culprit_describe(const WdCulprit *culprit, WdEvent *event);

G_END_DECLS
