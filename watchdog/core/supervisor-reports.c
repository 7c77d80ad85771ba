#include "watchdog/core/supervisor-private.h"

#include "watchdog/core/presence.h"

#include <string.h>

/* Reports come every interval; one that is later than this many is missed. */
#define REPORTS_MISSED 3
#define REPORT_SLACK_US (2 * G_TIME_SPAN_SECOND)
/* More denylisted queries than this are hardly true. */
#define DENYLISTED_MAX 1000
gboolean
wd_supervisor_reports_come(const WdSupervisor *supervisor, gint64 now_us)
{
  const gint64 interval_us = MAX(supervisor->limits.extensions_interval_s, 1) * G_USEC_PER_SEC;
  return now_us - supervisor->heard_us <= REPORTS_MISSED * interval_us + REPORT_SLACK_US;
}

static void
reported(WdSupervisor *supervisor, WdStep *step, const WdObservation *report)
{
  const gboolean fresh = wd_supervisor_reports_come(supervisor, step->now_us);
  gboolean changed = !fresh;
  supervisor->heard_us = step->now_us;
  for (guint i = WD_PROCESS_WORKER; i < supervisor->processes->len; i++) {
    WdProcess *process = wd_supervisor_process(supervisor, i);
    const WdPresence before = process->presence;
    if (process->role == WD_ROLE_WORKER)
      wd_presence_worker(process, report);
    else if (report->report.listed && wd_process_alive(process))
      wd_presence_extension(step, process, report, fresh);
    changed = changed || memcmp(&before, &process->presence, sizeof before) != 0;
  }
  if (changed)
    wd_actions_publish(step->actions);
}

static void
denylisted(WdSupervisor *supervisor, WdStep *step, WdProcess *worker,
           const WdObservation *observation)
{
  const char *name = observation->denylisted.name;
  if (g_hash_table_size(supervisor->denylisted) >= DENYLISTED_MAX ||
      !g_hash_table_add(supervisor->denylisted, g_strdup(name)))
    return;
  WdEvent *event = wd_process_event(worker, WD_EVENT_QUERY_DENYLISTED, WD_REASON_NONE);
  event->query_name = g_strdup(name);
  event->query = g_strdup(observation->denylisted.query);
  event->cause_seq = supervisor->worker_gone_seq;
  event->lifetime_ms = (step->now_us - worker->started_us) / G_TIME_SPAN_MILLISECOND;
  wd_process_record(step, worker, event, FALSE);
}

/* Of the present worker alone: a message about the one before may have been on its way. */
void
wd_supervisor_observed(WdSupervisor *supervisor, WdStep *step, const WdObservation *observation)
{
  WdProcess *worker = wd_supervisor_process(supervisor, WD_PROCESS_WORKER);
  if (observation->worker_pid != worker->pid)
    return;
  switch (observation->kind) {
  case WD_OBSERVATION_REPORT:
    reported(supervisor, step, observation);
    break;
  case WD_OBSERVATION_DENYLISTED:
    denylisted(supervisor, step, worker, observation);
    break;
  }
}
