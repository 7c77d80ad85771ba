#include "tables/ctl/advice/finding.h"

#include "tables/ctl/print/text.h"
#include "tables/ctl/print/words.h"
#include "watchdog/store/database.h"

/* In the order of CTL_FINDING_SELECT. */
enum {
  EVENT,
  ROLE,
  NAME,
  REASON,
  MEASURED,
  UTILIZATION,
  SUSTAINED,
  LIFETIME,
  LIMIT,
  UTILIZATION_LIMIT,
  EXIT_CODE,
  EXIT_SIGNAL,
  PRIVATE,
  OBSERVED,
  QUERY_NAME,
};

static const char limits_sql[] =
    "SELECT max(memory_limit), max(utilization_limit), max(latency_limit) FROM watchdog_processes";

/* The newest of what a process was measured against, and of what a reload set. */
#define TOLD_LIMIT(column, condition, flag, factor)                                                \
  "(SELECT told FROM (SELECT eid, " column " AS told FROM watchdog_events WHERE " condition        \
  " UNION ALL SELECT e.eid, json_extract(e.details, s.fullkey || '.new') * " factor                \
  " FROM watchdog_events e,"                                                                       \
  " json_each(iif(json_valid(e.details), e.details, '{}'), '$.settings') s"                        \
  " WHERE e.event = 'settings_changed' AND json_extract(e.details, s.fullkey || '.name') = '" flag \
  "') WHERE told > 0 ORDER BY eid DESC LIMIT 1)"

static const char told_sql[] = "SELECT " TOLD_LIMIT(
    "limit_value", "reason = 'memory'", "watchdog_memory_limit",
    "1048576") ", " TOLD_LIMIT("utilization_limit", "reason = 'cpu'", "watchdog_utilization_limit",
                               "1") ", " TOLD_LIMIT("NULL", "0", "watchdog_latency_limit", "1");

static const char *
keep(GStringChunk *texts, sqlite3_stmt *stmt, int column)
{
  g_autofree char *text = ctl_visible_value(stmt, column);
  return g_string_chunk_insert_const(texts, text);
}

gboolean
ctl_finding_read(sqlite3_stmt *stmt, GStringChunk *texts, CtlFinding *finding)
{
  WdEventKind event;
  WdRole role;
  if (!ctl_word_event((const char *)sqlite3_column_text(stmt, EVENT), &event) ||
      !ctl_word_role((const char *)sqlite3_column_text(stmt, ROLE), &role))
    return FALSE;
  ctl_finding_init(finding, event, role, keep(texts, stmt, NAME));
  if (!ctl_word_reason((const char *)sqlite3_column_text(stmt, REASON), &finding->reason))
    finding->reason = WD_REASON_NONE;
  finding->measured = ctl_integer(stmt, MEASURED);
  if (sqlite3_column_type(stmt, UTILIZATION) != SQLITE_NULL)
    finding->utilization = sqlite3_column_double(stmt, UTILIZATION);
  finding->sustained_s = ctl_integer(stmt, SUSTAINED);
  finding->lifetime_ms = ctl_integer(stmt, LIFETIME);
  finding->limit_value = ctl_integer(stmt, LIMIT);
  finding->utilization_limit = ctl_integer(stmt, UTILIZATION_LIMIT);
  finding->exit_code = ctl_integer(stmt, EXIT_CODE);
  finding->exit_signal = ctl_integer(stmt, EXIT_SIGNAL);
  finding->private_bytes = ctl_integer(stmt, PRIVATE);
  finding->observed = sqlite3_column_int(stmt, OBSERVED) != 0;
  if (sqlite3_column_type(stmt, QUERY_NAME) != SQLITE_NULL)
    finding->query_name = keep(texts, stmt, QUERY_NAME);
  return TRUE;
}

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
  take_limits(db, told_sql, limits);
}
