/* What the parts of the supervisor share; nothing else includes this.
 *   supervisor.c             the steps, stopping, the present state
 *   supervisor-starts.c      what is started when
 *   supervisor-departures.c  what a process's going means
 * and, shared with the observer, checks.h and reports.h. */
#pragma once

#include "watchdog/core/machine/checks.h"
#include "watchdog/core/machine/lifecycle.h"
#include "watchdog/core/machine/reports.h"
#include "watchdog/core/machine/supervisor.h"

G_BEGIN_DECLS

struct WdSupervisor {
  WdLimits limits;
  GArray *processes; /* of WdProcess */
  guint64 last_seq;
  WdChecks checks;
  WdReports reports;

  gboolean started; /* watchdog_started is recorded */

  gboolean manager_accepts;
  gint64 next_probe_us;
  guint failures_at_once; /* workers in a row */
  gint64 worker_gone_us;  /* WD_NONE: not yet */

  gboolean stopping;
  gboolean stop_requested; /* once */
  gboolean stop_at_once;   /* twice */
  gboolean stopped;        /* WD_ACTION_EXIT is out */
  WdReason stop_reason;
  guint64 stop_cause_seq;
  int exit_code;
};

static inline WdProcess *
wd_supervisor_process(const WdSupervisor *supervisor, guint index)
{
  return &g_array_index(supervisor->processes, WdProcess, index);
}

/* Ends everything, to leave with @exit_code; the first reason stands. */
void wd_supervisor_begin_stop(WdSupervisor *supervisor, WdStep *step, WdReason reason,
                              int exit_code, guint64 cause_seq);
gint64 wd_supervisor_stop_grace_us(const WdStep *step);

gboolean wd_supervisor_may_start(const WdSupervisor *supervisor, const WdProcess *process);
void wd_supervisor_start_what_is_due(WdSupervisor *supervisor, WdStep *step);
/* Whether the worker's manager socket is being waited for. */
gboolean wd_supervisor_probes_manager(const WdSupervisor *supervisor);
void wd_supervisor_probe_manager(WdSupervisor *supervisor, WdStep *step);
void wd_supervisor_spawned(WdSupervisor *supervisor, WdStep *step, WdProcess *process,
                           const WdInput *input);
void wd_supervisor_end_unwanted(WdStep *step, WdProcess *process);

void wd_supervisor_exited(WdSupervisor *supervisor, WdStep *step, WdProcess *process,
                          const WdExit *exit);
void wd_supervisor_spawn_failed(WdSupervisor *supervisor, WdStep *step, WdProcess *process,
                                const char *error);

G_END_DECLS
