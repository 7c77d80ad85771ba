#include "watchdog/core/machine/reports.h"

#include "watchdog/core/machine/presence.h"

#include <string.h>

/* Reports come every interval; one that is later than this many is missed. */
#define REPORTS_MISSED 3
#define REPORT_SLACK_US (2 * G_TIME_SPAN_SECOND)
/* More denylisted queries than this are hardly true. */
#define DENYLISTED_MAX 1000

void
wd_reports_init(WdReports *reports)
{
  *reports = (WdReports){
      .denylisted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
  };
}

void
wd_reports_clear(WdReports *reports)
{
  g_clear_pointer(&reports->denylisted, g_hash_table_unref);
}

void
wd_reports_begin(WdReports *reports, gint64 now_us)
{
  reports->heard_us = now_us;
}

static WdProcess *
process_at(const GArray *processes, guint index)
{
  return &g_array_index(processes, WdProcess, index);
}

void
wd_reports_end(WdReports *reports, WdStep *step, GArray *processes)
{
  const guint64 gone_seq = process_at(processes, WD_PROCESS_WORKER)->gone_seq;
  g_hash_table_remove_all(reports->denylisted);
  for (guint i = WD_PROCESS_FIRST_EXTENSION; i < processes->len; i++)
    wd_presence_lost(step, process_at(processes, i), WD_REASON_WORKER_GONE, gone_seq);
}

gboolean
wd_reports_come(const WdReports *reports, const WdLimits *limits, gint64 now_us)
{
  const gint64 interval_us = MAX(limits->extensions_interval_s, 1) * G_USEC_PER_SEC;
  return now_us - reports->heard_us <= REPORTS_MISSED * interval_us + REPORT_SLACK_US;
}

static void
reported(WdReports *reports, WdStep *step, GArray *processes, const WdReport *report)
{
  const gboolean fresh = wd_reports_come(reports, step->limits, step->now_us);
  gboolean changed = !fresh;
  reports->heard_us = step->now_us;
  for (guint i = WD_PROCESS_WORKER; i < processes->len; i++) {
    WdProcess *process = process_at(processes, i);
    const WdPresence before = process->presence;
    if (process->role == WD_ROLE_WORKER)
      wd_presence_worker(process, report);
    else if (report->registrations.listed && wd_process_alive(process))
      wd_presence_extension(step, process, report, fresh);
    changed = changed || memcmp(&before, &process->presence, sizeof before) != 0;
  }
  if (changed)
    wd_actions_publish(step->actions);
}

static void
denylisted(WdReports *reports, WdStep *step, WdProcess *worker, const WdReport *report)
{
  const char *name = report->denylisted.name;
  if (g_hash_table_size(reports->denylisted) >= DENYLISTED_MAX ||
      !g_hash_table_add(reports->denylisted, g_strdup(name)))
    return;
  WdEvent *event = wd_process_event(worker, WD_EVENT_QUERY_DENYLISTED, WD_REASON_NONE);
  event->query_name = g_strdup(name);
  event->query = g_strdup(report->denylisted.query);
  event->cause_seq = worker->gone_seq;
  event->lifetime_ms = wd_process_lifetime_ms(step, worker);
  wd_process_record(step, worker, event, FALSE);
}

/* Of the present worker alone: a message about the one before may have been on its way. */
void
wd_reports_take(WdReports *reports, WdStep *step, GArray *processes, const WdReport *report)
{
  WdProcess *worker = process_at(processes, WD_PROCESS_WORKER);
  if (report->worker_pid != worker->pid)
    return;
  switch (report->kind) {
  case WD_REPORT_REGISTRATIONS:
    reported(reports, step, processes, report);
    break;
  case WD_REPORT_DENYLISTED:
    denylisted(reports, step, worker, report);
    break;
  }
}

void
wd_reports_show(const WdReports *reports, const WdLimits *limits, const GArray *processes,
                const WdProcess *process, gint64 now_us, WdProcessStatus *status)
{
  /* Without a worker nothing is registered. */
  const gboolean known = !wd_process_alive(process_at(processes, WD_PROCESS_WORKER)) ||
                         wd_reports_come(reports, limits, now_us);
  wd_presence_show(process, known, status);
}
