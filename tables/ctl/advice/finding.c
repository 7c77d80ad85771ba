#include "tables/ctl/advice/finding.h"

#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"

#include <math.h>
#include <signal.h>

void
ctl_finding_add(CtlFinding *finding, const CtlFinding *newer)
{
  const CtlFinding before = *finding;
  *finding = *newer;
  finding->measured = MAX(before.measured, newer->measured); /* WD_NONE is the least */
  finding->peak_bytes = MAX(before.peak_bytes, newer->peak_bytes);
  finding->utilization = fmax(before.utilization, newer->utilization); /* NAN yields */
  finding->sustained_s = MAX(before.sustained_s, newer->sustained_s);
  finding->lifetime_ms = MAX(before.lifetime_ms, newer->lifetime_ms);
  finding->private_bytes = MAX(before.private_bytes, newer->private_bytes);
  if (finding->query_name == NULL && before.query_name != NULL) {
    finding->query_name = before.query_name;
    finding->origin = before.origin;
  }
}

gboolean
ctl_finding_is_crash(const CtlFinding *finding)
{
  const gint64 number = finding->exit_signal;
  return number == SIGSEGV || number == SIGABRT || number == SIGBUS || number == SIGILL ||
         number == SIGFPE || number == SIGTRAP || number == SIGSYS;
}

static const char *
keep(GStringChunk *texts, sqlite3_stmt *stmt, int column)
{
  g_autofree char *text = ctl_visible_value(stmt, column);
  return g_string_chunk_insert_const(texts, text);
}

/* In the order of CTL_FINDING_SELECT. */
gboolean
ctl_finding_read(sqlite3_stmt *stmt, GStringChunk *texts, CtlFinding *finding)
{
  int column = 0;
  const gint64 eid = ctl_integer(stmt, column++);
  WdEventKind event;
  WdRole role;
  if (!ctl_word_event((const char *)sqlite3_column_text(stmt, column++), &event) ||
      !ctl_word_role((const char *)sqlite3_column_text(stmt, column++), &role))
    return FALSE;
  *finding = (CtlFinding){.eid = eid, .event = event, .role = role, .reason = WD_REASON_NONE};
  finding->name = keep(texts, stmt, column++);
  (void)ctl_word_reason((const char *)sqlite3_column_text(stmt, column++), &finding->reason);
  finding->measured = ctl_integer(stmt, column++);
  finding->peak_bytes = ctl_integer(stmt, column++);
  finding->utilization = ctl_real(stmt, column++);
  finding->sustained_s = ctl_integer(stmt, column++);
  finding->lifetime_ms = ctl_integer(stmt, column++);
  finding->limit_value = ctl_integer(stmt, column++);
  finding->baseline_bytes = ctl_integer(stmt, column++);
  finding->utilization_limit = ctl_integer(stmt, column++);
  finding->exit_code = ctl_integer(stmt, column++);
  finding->exit_signal = ctl_integer(stmt, column++);
  finding->core_dumped = ctl_integer(stmt, column++);
  finding->private_bytes = ctl_integer(stmt, column++);
  finding->observed = sqlite3_column_int(stmt, column++) != 0;
  (void)ctl_word_origin((const char *)sqlite3_column_text(stmt, column++), &finding->origin);
  if (sqlite3_column_type(stmt, column) != SQLITE_NULL)
    finding->query_name = keep(texts, stmt, column);
  return TRUE;
}
