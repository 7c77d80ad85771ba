/* What is known of a process's end, from rows of watchdog_events. */
#pragma once

#include "tables/ctl/advice/growth.h"
#include "watchdog/core/event/event.h"

#include <sqlite3.h>

G_BEGIN_DECLS

/* What one event of a process's end showed (limit_exceeded, process_terminated, process_exited,
 * would_terminate, …), with what other rows know of it. Absent values as in WdEvent. */
typedef struct {
  gint64 eid; /* of several: of the newest */
  WdEventKind event;
  WdRole role;
  const char *name; /* the process's, never NULL */
  WdReason reason;
  gint64 measured; /* in bytes for memory; of several: the greatest, as in the next four */
  gint64 peak_bytes;
  double utilization;
  gint64 sustained_s;
  gint64 lifetime_ms;
  gint64 limit_value;
  gint64 baseline_bytes;
  gint64 utilization_limit;
  gint64 exit_code;
  gint64 exit_signal;
  gint64 core_dumped;
  gint64 private_bytes; /* anonymous_bytes + swap_bytes in the details of its limit_exceeded */
  gboolean observed;    /* those details have a `basis`: osquery's own watcher was at work */
  WdOrigin origin;
  const char *query_name; /* that it was executing; NULL: not known */
  CtlGrowth growth;       /* not in the row: ctl_life_read() */
} CtlFinding;

/* Adds a newer finding about the same process, event and reason. The limits and the exit are then
 * those of @newer. The texts are not copied. */
void ctl_finding_add(CtlFinding *finding, const CtlFinding *newer);

/* Whether a signal ended it that a program gets for its own fault. */
gboolean ctl_finding_is_crash(const CtlFinding *finding);

/* For each end that osquery denylisted a query for, and one only: that query. */
#define CTL_DENYLISTED_SELECT                                \
  "SELECT cause_eid, query_name, query FROM watchdog_events" \
  " WHERE event = 'query_denylisted' GROUP BY cause_eid HAVING count(*) = 1"

/* Who asked for the query that the process of the event `e` was executing, its name and its SQL:
 * what the event says, or else what osquery denylisted for it (a row of CTL_DENYLISTED_SELECT
 * called `asked`), unless another asker's thread was the busiest. */
#define CTL_QUERY_COLUMNS                                                                      \
  "coalesce(e.origin, iif(e.query_name IS NULL AND asked.cause_eid IS NOT NULL, 'schedule',"   \
  " NULL)),"                                                                                   \
  " coalesce(e.query_name, iif(coalesce(e.origin, 'schedule') = 'schedule', asked.query_name," \
  " NULL)),"                                                                                   \
  " coalesce(e.query, iif(coalesce(e.origin, 'schedule') = 'schedule'"                         \
  " AND coalesce(e.query_name, asked.query_name) = asked.query_name, asked.query, NULL))"

/* The beginning of a query for findings; what follows may choose by the columns of `e`, as in
 * " WHERE e.event = 'process_terminated' ORDER BY e.eid". One row for each of e. A
 * missing cause becomes 0, which no event has: SQLite looks up a 0, but would compare a NULL with
 * every row. */
#define CTL_FINDING_SELECT                                                                    \
  "WITH asked AS MATERIALIZED (" CTL_DENYLISTED_SELECT ")"                                    \
  " SELECT e.eid, e.event, e.role, e.name, e.reason, e.measured, e.peak, e.utilization,"      \
  " e.sustained, e.lifetime_ms, e.limit_value, e.baseline, e.utilization_limit, e.exit_code," \
  " e.exit_signal, e.core_dumped,"                                                            \
  " iif(json_valid(coalesce(c.details, e.details)),"                                          \
  " json_extract(coalesce(c.details, e.details), '$.anonymous_bytes')"                        \
  " + json_extract(coalesce(c.details, e.details), '$.swap_bytes'), NULL),"                   \
  " iif(json_valid(e.details), json_extract(e.details, '$.basis') IS NOT NULL, 0),"           \
  " " CTL_QUERY_COLUMNS                                                                       \
  " FROM watchdog_events e LEFT JOIN watchdog_events c ON c.eid = coalesce(e.cause_eid, 0)"   \
  " LEFT JOIN asked ON asked.cause_eid = e.eid"

/* The present row of such a query.
 * @texts: keeps the names, as visible text.
 * Returns: FALSE when this version doesn't know the row's event or role; @finding is untouched. */
gboolean ctl_finding_read(sqlite3_stmt *stmt, GStringChunk *texts, CtlFinding *finding);

G_END_DECLS
