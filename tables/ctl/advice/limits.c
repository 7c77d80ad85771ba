#include "tables/ctl/advice/limits.h"

#include "tables/ctl/print/value.h"
#include "watchdog/core/event/event.h"
#include "watchdog/store/database.h"

static const char limits_sql[] =
    "SELECT max(memory_limit), max(utilization_limit), max(latency_limit) FROM watchdog_processes";

/* The newest limit that a process was measured against, or that a reload set. */
#define RECORDED_LIMIT(column, condition, flag, factor)                                            \
  "(SELECT value FROM (SELECT eid, " column " AS value FROM watchdog_events WHERE " condition      \
  " UNION ALL SELECT e.eid, json_extract(e.details, s.fullkey || '.new') * " factor                \
  " FROM watchdog_events e,"                                                                       \
  " json_each(iif(json_valid(e.details), e.details, '{}'), '$.settings') s"                        \
  " WHERE e.event = 'settings_changed' AND json_extract(e.details, s.fullkey || '.name') = '" flag \
  "') WHERE value > 0 ORDER BY eid DESC LIMIT 1)"

static const char recorded_sql[] = "SELECT " RECORDED_LIMIT(
    "limit_value", "reason = 'memory'", "watchdog_memory_limit",
    "1048576") ", " RECORDED_LIMIT("utilization_limit", "reason = 'cpu'",
                                   "watchdog_utilization_limit",
                                   "1") ", " RECORDED_LIMIT("NULL", "0", "watchdog_latency_limit",
                                                            "1");

/* Fills in what @limits lacks. */
static void
take_limits(sqlite3 *db, const char *sql, CtlLimits *limits)
{
  gint64 *const values[] = {&limits->memory_bytes, &limits->utilization, &limits->latency_s};
  g_autoptr(sqlite3_stmt) stmt = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS(values); i++)
    if (*values[i] == WD_NONE)
      *values[i] = ctl_integer(stmt, (int)i);
}

void
ctl_limits_read(sqlite3 *db, CtlLimits *limits)
{
  *limits = (CtlLimits){WD_NONE, WD_NONE, WD_NONE};
  take_limits(db, limits_sql, limits);
  take_limits(db, recorded_sql, limits);
}
