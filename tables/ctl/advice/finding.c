#include "tables/ctl/advice/finding.h"

#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"

#include <math.h>

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

void
ctl_finding_init(CtlFinding *finding, WdEventKind event, WdRole role, const char *name)
{
  *finding = (CtlFinding){
      .event = event,
      .role = role,
      .name = name,
      .measured = WD_NONE,
      .utilization = NAN,
      .sustained_s = WD_NONE,
      .lifetime_ms = WD_NONE,
      .limit_value = WD_NONE,
      .utilization_limit = WD_NONE,
      .exit_code = WD_NONE,
      .exit_signal = WD_NONE,
      .private_bytes = WD_NONE,
  };
}

void
ctl_finding_add(CtlFinding *finding, const CtlFinding *newer)
{
  const CtlFinding before = *finding;
  *finding = *newer;
  finding->measured = MAX(before.measured, newer->measured);           /* WD_NONE is the least */
  finding->utilization = fmax(before.utilization, newer->utilization); /* NAN yields */
  finding->sustained_s = MAX(before.sustained_s, newer->sustained_s);
  finding->lifetime_ms = MAX(before.lifetime_ms, newer->lifetime_ms);
  finding->private_bytes = MAX(before.private_bytes, newer->private_bytes);
  if (finding->query_name == NULL)
    finding->query_name = before.query_name;
}

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
  finding->utilization = ctl_real(stmt, UTILIZATION);
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
