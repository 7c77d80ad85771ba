/* The present state of one process: one WdProcessStatus becomes one row of watchdog_processes.
 * Absent values as in event.h. */
#pragma once

#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

typedef enum {
  WD_STATE_WAITING, /* not running; will be started */
  WD_STATE_RUNNING,
  WD_STATE_TERMINATING, /* being ended, SIGKILL not sent yet */
  WD_STATE_KILLING,     /* SIGKILL sent */
  WD_STATE_STUCK,       /* not reaped in time after SIGKILL */
  WD_STATE_STOPPED,     /* gone; will not be started again */
  WD_STATE_ABANDONED,   /* an extension over its respawn limit; tried again rarely */
} WdState;

/* How the growth of a process is noticed between the regular checks. */
typedef enum {
  WD_MEMORY_WATCH_NONE,    /* it isn't: the process is the watchdog, or doesn't run */
  WD_MEMORY_WATCH_POLLING, /* by looking at it now and then */
  WD_MEMORY_WATCH_EVENTS,  /* the kernel says when it takes memory */
} WdMemoryWatch;

/* Static; NULL for WD_MEMORY_WATCH_NONE. */
const char *wd_memory_watch_name(WdMemoryWatch watch);

/* Static. (A reader concludes the state "unresponsive", see tables/processes.h.) */
const char *wd_state_name(WdState state);

typedef struct {
  char *name; /* owned */
  WdRole role;
  char *path; /* owned */
  gint64 pid;
  WdState state;
  gint64 start_time_s; /* this and the other *_time_s: wall clock, labels */
  gint64 restarts;     /* since the watchdog started */
  gint64 terminations; /* for limits, likewise */
  gint64 quick_exits;
  gint64 restart_limit;
  gint64 next_start_time_s;
  gint64 user_ms;
  gint64 system_ms;
  double utilization; /* % of all CPUs over the last check interval */
  gint64 utilization_limit;
  gint64 sustained_latency_s;
  gint64 latency_limit_s;
  gint64 resident_bytes;
  gint64 footprint_bytes; /* what the memory limit is applied to */
  gint64 baseline_bytes;
  gint64 peak_footprint_bytes;
  gint64 memory_limit_bytes;
  gboolean enforced;
  WdMemoryWatch memory_watch;
  gint64 last_check_time_s;
  gint64 last_exit_code;
  gint64 last_exit_signal;
  gint64 registered; /* 0, 1 or WD_NONE */
  gint64 uuid;
  gint64 responsive; /* 0, 1 or WD_NONE */
  char *version;     /* owned, or NULL */
  guint64 last_seq;  /* of the newest event about this process; 0: none in this run */

  gint64 start_ticks;      /* /proc/PID/stat field 22: with the pid, the process's identity */
  gint64 last_check_us;    /* CLOCK_MONOTONIC */
  gint64 regular_check_us; /* no column: the check that utilization is from; WD_NONE: none yet */
} WdProcessStatus;

/* watchdog_processes: each row a WdProcessStatus; watchdog_samples: some members of one. */
extern const WdTable wd_process_table;
extern const WdTable wd_sample_table;

/* All values absent, name and path copied. Free with wd_process_status_free(). */
WdProcessStatus *wd_process_status_new(WdRole role, const char *name, const char *path);
void wd_process_status_free(WdProcessStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdProcessStatus, wd_process_status_free)

G_END_DECLS
