/* An event that the watchdog records: one WdEvent becomes one row of watchdog_events.
 *
 * A value that does not apply is WD_NONE (numbers), NAN (utilization), NULL (text) or the enum's
 * _NONE member; the tables show all of them as SQL NULL. */
#pragma once

#include "watchdog/core/event/column.h"
#include "watchdog/core/event/none.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WD_ROLE_WATCHDOG,
  WD_ROLE_WORKER,
  WD_ROLE_EXTENSION,
} WdRole;

typedef enum {
  WD_EVENT_WATCHDOG_STARTED,
  WD_EVENT_WATCHDOG_STOPPED,
  WD_EVENT_WATCHDOG_CRASHED,
  WD_EVENT_PROCESS_STARTED,
  WD_EVENT_PROCESS_EXITED,
  WD_EVENT_LIMIT_EXCEEDED,
  WD_EVENT_PROCESS_TERMINATED,
  WD_EVENT_WOULD_TERMINATE,
  WD_EVENT_TERMINATION_STUCK,
  WD_EVENT_RESPAWN_DELAYED,
  WD_EVENT_RESPAWN_LIMIT_REACHED,
  WD_EVENT_SPAWN_FAILED,
  WD_EVENT_EXTENSION_REGISTERED,
  WD_EVENT_EXTENSION_UNREGISTERED,
  WD_EVENT_UNRESPONSIVE,
  WD_EVENT_RESPONSIVE,
  WD_EVENT_QUERY_DENYLISTED,
  WD_EVENT_SETTINGS_CHANGED,
  WD_EVENT_EVENTS_LOST,
  WD_EVENT_HISTORY_RECOVERED,
} WdEventKind;

typedef enum {
  WD_REASON_NONE,
  WD_REASON_MEMORY,
  WD_REASON_CPU,
  WD_REASON_OOM,
  WD_REASON_EXIT,
  WD_REASON_SIGNAL,
  WD_REASON_REQUEST,
  WD_REASON_SPAWN,
  WD_REASON_HEALTH,
  WD_REASON_REGISTRATION,
  WD_REASON_UNRESPONSIVE,
  WD_REASON_WORKER_GONE,
  WD_REASON_WORKER_SILENT, /* the worker isn't known to answer */
  WD_REASON_SETTINGS,
  WD_REASON_REBOOT,
} WdReason;

typedef enum {
  WD_UNIT_NONE,
  WD_UNIT_BYTES,
  WD_UNIT_MS, /* CPU time in one check interval, or time without an answer */
} WdUnit;

/* Who asked for the query that a worker was executing. */
typedef enum {
  WD_ORIGIN_NONE,        /* not known */
  WD_ORIGIN_SCHEDULE,    /* the worker's own schedule */
  WD_ORIGIN_DISTRIBUTED, /* a server: for Fleet, live queries, policies, labels, host vitals */
  WD_ORIGIN_EXTENSION,   /* its extension socket: osqueryi, an extension */
} WdOrigin;

typedef enum {
  WD_OUTCOME_NONE,
  WD_OUTCOME_GRACEFUL,    /* gone before SIGKILL was sent */
  WD_OUTCOME_KILLED,      /* gone after SIGKILL */
  WD_OUTCOME_STUCK,       /* gone only after it was reported stuck */
  WD_OUTCOME_INTERRUPTED, /* the watchdog ended before it knew */
} WdOutcome;

/* The signals of a termination, in the order in which they are sent. */
typedef enum {
  WD_SIGNALS_NONE = 0,
  WD_SIGNALS_USR1 = 1 << 0,
  WD_SIGNALS_TERM = 1 << 1,
  WD_SIGNALS_KILL = 1 << 2,
} WdSignals;

typedef struct {
  guint64 seq;       /* 1, 2, … within this run; the store turns it into the eid */
  guint64 cause_seq; /* seq of the event of this run that led to this one; 0: none */
  gint64 time_s;     /* wall clock: a label, never compared */
  WdEventKind kind;
  WdRole role;
  char *name; /* owned */
  char *path; /* owned, NULL where there is none */
  gint64 pid;
  WdReason reason;
  gint64 measured;
  gint64 limit_value;
  WdUnit unit;
  gint64 peak_bytes;     /* the greatest footprint so far */
  gint64 baseline_bytes; /* the resident size that growth counts from */
  double utilization;    /* % of all CPUs */
  gint64 utilization_limit;
  gint64 sustained_s;
  WdOutcome outcome;
  gint64 exit_code;
  gint64 exit_signal;
  gint64 core_dumped; /* TRUE, FALSE; only of an end by a signal */
  WdSignals signals_sent;
  gint64 duration_ms; /* first signal → reaped; responsive: how long it was unresponsive;
                         process_started: how long there was none */
  gint64 lifetime_ms; /* started → gone, or → now */
  gint64 delay_s;     /* until the next start */
  gint64 restarts;
  WdOrigin origin;  /* of the query */
  char *query_name; /* owned, as the next five */
  char *query;
  char *thread;      /* the busiest one's name */
  char *last_output; /* its last lines, each with its line break */
  char *details;     /* a JSON object or NULL */
  char *message;     /* the log line */
} WdEvent;

/* watchdog_events: each row a WdEvent. */
extern const WdTable wd_event_table;

/* A new event with every optional value absent.
 * @name: copied; @path: copied, or NULL. Free with wd_event_free(). */
WdEvent *wd_event_new(WdEventKind kind, WdRole role, const char *name, const char *path);

/* NULL is allowed. */
void wd_event_free(WdEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WdEvent, wd_event_free)

/* Whether it is the end of a process: exited or terminated. */
gboolean wd_event_is_end(const WdEvent *event);

/* Whether last_output belongs to it: a process ended or couldn't be started, and nobody had
 * requested that. */
gboolean wd_event_keeps_output(const WdEvent *event);

/* The words that the tables show. Static; NULL for the _NONE members. */
const char *wd_event_kind_name(WdEventKind kind);
const char *wd_role_name(WdRole role);
const char *wd_reason_name(WdReason reason);
const char *wd_unit_name(WdUnit unit);
const char *wd_outcome_name(WdOutcome outcome);
const char *wd_origin_name(WdOrigin origin);

/* "USR1,TERM,KILL", in sending order. Static; NULL when none was sent. */
const char *wd_signals_text(WdSignals signals);

G_END_DECLS
