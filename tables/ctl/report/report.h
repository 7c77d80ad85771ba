/* The page that `osquery-watchdogctl report` writes. Inside tables/ctl/report*.c only.
 *
 * All text that comes from the store is made visible (text.h) when it is read, and escaped when it
 * is put into the page, by ctl_html(). */
#pragma once

#include "tables/ctl/report/chart.h"
#include "tables/ctl/command.h"
#include "watchdog/core/event/event.h"

G_BEGIN_DECLS

/* What the page shows at most; more is counted, and the page says so. */
#define CTL_REPORT_ENDINGS 100
#define CTL_REPORT_OTHERS 200
#define CTL_REPORT_PROCESSES 32

/* --- report-events.c --- */

/* A row of watchdog_events. The texts are visible ones, empty where there is none. */
typedef struct {
  gint64 eid;
  gint64 time_s;
  char *event;
  char *role;
  char *name;
  gint64 pid;
  char *reason;
  gint64 measured;
  gint64 limit_value;
  double utilization;
  gint64 utilization_limit;
  gint64 sustained_s;
  char *outcome;
  char *signals_sent;
  gint64 duration_ms;
  gint64 lifetime_ms;
  char *query_name; /* of the query that was denylisted for this ending, as is the next */
  char *query;
  char *message;
} CtlReportEvent;

typedef struct {
  GPtrArray *endings; /* of CtlReportEvent, the newest first: terminations for a limit */
  GPtrArray *others;  /* likewise: what else is worth a look */
  gint64 n_endings;   /* how many there are, shown or not */
  gint64 n_would;     /* of these the ones of a dry run */
  gint64 n_others;
  gint64 n_exits; /* by themselves, or by somebody else's signal */
  gint64 n_denylisted;
  gint64 n_gave_up;
} CtlReportEvents;

/* @oldest_s: only what happened since. Returns: NULL with @error. */
CtlReportEvents *ctl_report_events_read(const Ctl *ctl, gint64 oldest_s, GError **error);
void ctl_report_events_free(CtlReportEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReportEvents, ctl_report_events_free)

/* --- report-samples.c --- */

typedef struct {
  char *name;  /* visible */
  char *state; /* role, state and pid, in words; empty when it isn't listed any more */
  CtlSeries cpu;
  CtlSeries memory;
} CtlReportProcess;

typedef struct {
  gint64 from_s; /* what the pictures show */
  gint64 to_s;
  GPtrArray *processes; /* of CtlReportProcess, in the order of their first sample; may be empty */
  gboolean more;        /* there are more processes than are shown */
} CtlReportSamples;

/* Returns: NULL with @error. The events may be told all the same. */
CtlReportSamples *ctl_report_samples_read(const Ctl *ctl, gint64 oldest_s, GError **error);
void ctl_report_samples_free(CtlReportSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReportSamples, ctl_report_samples_free)

/* --- writing; all append to @page --- */

/* report.c: as printf; what %s stands for is escaped, for text and quoted attributes alike. */
void ctl_html(GString *page, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The local time, as "%H:%M" and the like (g_date_time_format()). Newly allocated. */
char *ctl_report_time(gint64 time_s, const char *format);

/* report-signs.c: the letter that stands for an event in the pictures, '\0' if it isn't in them. */
char ctl_report_sign(const CtlReportEvent *event);
/* What the letters mean that are in the pictures. */
void ctl_report_legend(GString *page, const CtlReportEvents *events);

typedef struct CtlReportSign CtlReportSign;

/* An event in a picture. */
typedef struct {
  const CtlReportEvent *event;
  const CtlReportSign *sign;
  double percent; /* from left to right */
} CtlReportMark;

/* Those of @process, from left to right; borrow from @events. */
GArray *ctl_report_marks(const CtlReportProcess *process, const CtlReportEvents *events);
/* Draws links to the events; those that lie near to each other share one. */
void ctl_report_draw_signs(GString *page, const GArray *marks);

/* report-figure.c: a process's picture, its figures as a table. */
void ctl_report_figure(GString *page, const CtlReportProcess *process,
                       const CtlReportEvents *events, guint number);

/* report-tables.c */
void ctl_report_endings(GString *page, const CtlReportEvents *events);
void ctl_report_others(GString *page, const CtlReportEvents *events);

/* report-advice.c: of what happened since @oldest_s. Returns: FALSE with @error. */
gboolean ctl_report_advice(GString *page, const Ctl *ctl, gint64 oldest_s, GError **error);

/* report-style.c: the style sheet. Static. */
const char *ctl_report_style(void);

G_END_DECLS
