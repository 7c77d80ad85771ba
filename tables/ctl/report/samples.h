/* The processes that the page shows, and their samples. */
#pragma once

#include "tables/ctl/report/chart.h"
#include "tables/ctl/session.h"

G_BEGIN_DECLS

/* The page shows so many at most, and says so. */
#define CTL_REPORT_PROCESSES 32

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

/* @oldest_s: only what was measured since. Returns: NULL with @error; the events may be shown all
 * the same. */
CtlReportSamples *ctl_report_samples_read(const Ctl *ctl, gint64 oldest_s, GError **error);
void ctl_report_samples_free(CtlReportSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReportSamples, ctl_report_samples_free)

G_END_DECLS
