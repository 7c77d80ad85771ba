/* The events that the page shows. */
#pragma once

#include "tables/ctl/session.h"
#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* The page shows so many at most; more are counted, and the page says so. */
#define CTL_REPORT_ENDINGS 100
#define CTL_REPORT_OTHERS 200

/* A row of watchdog_events. The texts are visible text, empty where there is none; absent
 * numbers are as in WdEvent. */
typedef struct {
  gint64 eid;
  gint64 time_s;
  const char *event;
  const char *name;
  gint64 pid;
  const char *reason;
  gint64 measured;
  gint64 limit_value;
  gint64 peak_bytes;
  double utilization;
  gint64 utilization_limit;
  gint64 sustained_s;
  const char *outcome;
  const char *signals_sent;
  gint64 duration_ms;
  gint64 lifetime_ms;
  WdOrigin origin; /* of the query that it was executing, as the next two */
  const char *query_name;
  const char *query;
  const char *message;
} CtlReportEvent;

typedef struct {
  GStringChunk *texts; /* of all the events */
  GPtrArray *endings;  /* of CtlReportEvent, the newest first: terminations for a limit */
  GPtrArray *others;   /* likewise: what else is worth a look */
  gint64 n_endings;    /* how many there are, shown or not */
  gint64 n_would;      /* of these the ones of a dry run */
  gint64 n_others;
  gint64 n_exits; /* by themselves, or by somebody else's signal */
  gint64 n_denylisted;
  gint64 n_gave_up;
} CtlReportEvents;

/* Whether the page has a row of the event, so that a link to it leads somewhere. */
gboolean ctl_report_events_show(const CtlReportEvents *events, gint64 eid);

/* @oldest_s: only what happened since. Returns: NULL with @error. */
CtlReportEvents *ctl_report_events_read(const Ctl *ctl, gint64 oldest_s, GError **error);
void ctl_report_events_free(CtlReportEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReportEvents, ctl_report_events_free)

G_END_DECLS
