/* Findings from rows of watchdog_events, and the limits in effect. */
#pragma once

#include "tables/ctl/advice/advice.h"

#include <sqlite3.h>

G_BEGIN_DECLS

/* The beginning of a query for findings; what follows may choose by the columns of `e`, as in
 * " WHERE e.event = 'process_terminated' ORDER BY e.eid". One row for each of e. No event has the
 * number 0; a NULL would not be looked up but compared with every row. */
#define CTL_FINDING_SELECT                                                                  \
  "WITH asked AS MATERIALIZED (SELECT cause_eid, min(query_name) AS query_name"             \
  " FROM watchdog_events WHERE event = 'query_denylisted' GROUP BY cause_eid)"              \
  " SELECT e.event, e.role, e.name, e.reason, e.measured, e.utilization, e.sustained,"      \
  " e.lifetime_ms, e.limit_value, e.utilization_limit, e.exit_code, e.exit_signal,"         \
  " iif(json_valid(coalesce(c.details, e.details)),"                                        \
  " json_extract(coalesce(c.details, e.details), '$.anonymous_bytes')"                      \
  " + json_extract(coalesce(c.details, e.details), '$.swap_bytes'), NULL),"                 \
  " iif(json_valid(e.details), json_extract(e.details, '$.basis') IS NOT NULL, 0),"         \
  " asked.query_name"                                                                       \
  " FROM watchdog_events e LEFT JOIN watchdog_events c ON c.eid = coalesce(e.cause_eid, 0)" \
  " LEFT JOIN asked ON asked.cause_eid = e.eid"

/* The present row of such a query.
 * @texts: keeps the names, as visible text.
 * Returns: FALSE when the row's event or role is of a kind that this version doesn't know. */
gboolean ctl_finding_read(sqlite3_stmt *stmt, GStringChunk *texts, CtlFinding *finding);

/* As watchdog_processes shows them, or else the newest that watchdog_events tells of. A table that
 * can't be read leaves them unknown: no reason to advise nothing at all. */
void ctl_limits_read(sqlite3 *db, CtlLimits *limits);

G_END_DECLS
