/* What a report of the tables extension means, and what must follow from it. */
#include "tests/simulation/oracle.h"

#define REPORTS_MISSED_US ((3 * 3 + 2) * SIM_S) /* three intervals, and a little more */

WdReason
sim_view_ending_reason(const SimView *view)
{
  if (view->ends_unregistered)
    return WD_REASON_REGISTRATION;
  if (view->ends_unwanted)
    return WD_REASON_SETTINGS;
  return view->breach_us == WD_NONE ? WD_REASON_REQUEST : view->reason;
}

guint64
sim_view_ending_cause(const SimView *view)
{
  if (view->ends_unregistered)
    return view->end_cause_seq;
  return view->breach_us == WD_NONE ? 0 : view->breach_seq;
}

static gboolean
hears_reports(const SimOracle *oracle)
{
  return oracle->now_us <= oracle->heard_us + REPORTS_MISSED_US;
}

gboolean
sim_oracle_knows_registrations(const SimOracle *oracle)
{
  return oracle->views[WD_PROCESS_WORKER].pid == WD_NONE || hears_reports(oracle);
}

void
sim_oracle_unregistered(SimOracle *oracle, guint process, WdReason reason, guint64 cause_seq)
{
  SimView *view = &oracle->views[process];
  if (view->registered == TRUE) {
    sim_oracle_expect(oracle, WD_EVENT_EXTENSION_UNREGISTERED, process, reason)->cause_seq =
        cause_seq;
    view->left = reason != WD_REASON_REGISTRATION;
    view->left_uuid = view->uuid;
  }
  if (view->registered != WD_NONE)
    view->registered = FALSE;
  view->uuid = view->missing_us = WD_NONE;
}

static void
is_there(SimOracle *oracle, guint process, gint64 uuid)
{
  SimView *view = &oracle->views[process];
  if (view->registered == TRUE && view->uuid != uuid) {
    sim_oracle_unregistered(oracle, process, WD_REASON_REGISTRATION, 0);
    sim_trace_count(oracle->trace, SIM_TALLY_DROPPED);
  }
  if (view->registered != TRUE) {
    sim_oracle_expect(oracle, WD_EVENT_EXTENSION_REGISTERED, process, WD_REASON_NONE);
    sim_trace_count(oracle->trace, SIM_TALLY_REGISTERED);
  }
  view->registered = TRUE;
  view->held = FALSE;
  view->uuid = uuid;
  view->missing_us = WD_NONE;
  view->missing_episode = FALSE;
}

static void
is_missing(SimOracle *oracle, guint process, gboolean heard)
{
  SimView *view = &oracle->views[process];
  const gint64 timeout_us = oracle->limits.extension_registration_timeout_s * SIM_S;
  if (view->registered == TRUE)
    sim_trace_count(oracle->trace, SIM_TALLY_DROPPED);
  const gint64 missing_us = heard ? view->missing_us : WD_NONE;
  sim_oracle_unregistered(oracle, process, WD_REASON_REGISTRATION, 0);
  view->registered = FALSE;
  if (view->pings.since_us != 0)
    sim_oracle_pinged(oracle, process, FALSE);
  view->missing_us = missing_us == WD_NONE || view->held ? oracle->now_us : missing_us;
  if (timeout_us == 0 || !oracle->limits.enforce || !sim_view_running(view) ||
      oracle->now_us <= view->missing_us + timeout_us)
    return;
  if (!oracle->limits.dry_run) {
    view->ends_unregistered = TRUE;
    sim_view_grant(oracle, view, oracle->limits.forced_shutdown_delay_s);
    view->end_cause_seq = view->missing_seq;
    sim_trace_count(oracle->trace, SIM_TALLY_UNREGISTERED_TOO_LONG);
  } else if (!view->missing_episode) {
    view->missing_episode = TRUE;
    sim_oracle_expect(oracle, WD_EVENT_WOULD_TERMINATE, process, WD_REASON_REGISTRATION)
        ->cause_seq = view->missing_seq;
    sim_trace_count(oracle->trace, SIM_TALLY_DRY_UNREGISTERED);
  }
}

static const WdReportedExtension *
entry_of(const WdReport *report, gint64 pid)
{
  for (guint i = 0; i < report->registrations.n_extensions; i++)
    if (report->registrations.extensions[i].pid == pid)
      return &report->registrations.extensions[i];
  return NULL;
}

static void
release(SimView *view, const WdReport *report)
{
  gboolean left = FALSE;
  gboolean held = FALSE;
  for (guint i = 0; i < report->registrations.n_extensions; i++) {
    left = left || report->registrations.extensions[i].uuid == view->left_uuid;
    held = held || report->registrations.extensions[i].uuid == view->held_uuid;
  }
  view->left = view->left && left;
  view->held = view->held && held;
}

static void
reported(SimOracle *oracle, const WdReport *report)
{
  const gboolean heard = hears_reports(oracle);
  oracle->heard_us = oracle->now_us;
  oracle->answers = report->registrations.responsive;
  oracle->unread_ends = report->registrations.schedule_read ? 0 : oracle->unread_ends;
  oracle->unattributed = report->registrations.listed && report->registrations.unattributed;
  sim_oracle_pinged(oracle, WD_PROCESS_WORKER, report->registrations.responsive);
  for (guint i = WD_PROCESS_FIRST_EXTENSION; report->registrations.listed && i < oracle->count;
       i++) {
    release(&oracle->views[i], report);
    if (oracle->views[i].pid == WD_NONE)
      continue;
    const WdReportedExtension *entry = entry_of(report, oracle->views[i].pid);
    if (entry == NULL) {
      is_missing(oracle, i, heard);
      continue;
    }
    is_there(oracle, i, entry->uuid);
    sim_oracle_pinged(oracle, i, entry->responsive);
  }
}

void
sim_oracle_observed(SimOracle *oracle, const WdReport *report)
{
  if (report->worker_pid != oracle->views[WD_PROCESS_WORKER].pid) {
    sim_trace_count(oracle->trace, SIM_TALLY_LATE_REPORTS);
    return;
  }
  if (report->kind == WD_REPORT_REGISTRATIONS) {
    reported(oracle, report);
    sim_oracle_judge_exits(oracle);
    return;
  }
  const guint bit = 1u << (report->denylisted.name[0] - '0');
  if ((oracle->denylisted & bit) != 0)
    return;
  oracle->denylisted |= bit;
  sim_oracle_expect(oracle, WD_EVENT_QUERY_DENYLISTED, WD_PROCESS_WORKER, WD_REASON_NONE);
  sim_trace_count(oracle->trace, SIM_TALLY_DENYLISTED);
}
