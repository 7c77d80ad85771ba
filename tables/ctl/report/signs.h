/* The letters that stand for events in the pictures. */
#pragma once

#include "tables/ctl/report/events.h"
#include "tables/ctl/report/samples.h"

G_BEGIN_DECLS

/* The letter of an event, '\0' if it isn't in the pictures. */
char ctl_report_sign(const CtlReportEvent *event);

/* Writes what the letters in the pictures mean. */
void ctl_report_legend(GString *page, const CtlReportEvents *events);

typedef struct CtlReportSign CtlReportSign;

/* An event in a picture. */
typedef struct {
  const CtlReportEvent *event;
  const CtlReportSign *sign;
  double percent; /* from left to right */
} CtlReportMark;

/* The marks of @process, from left to right. They borrow from @events. */
GArray *ctl_report_marks(const CtlReportProcess *process, const CtlReportEvents *events);

/* Draws links to the events. Events close to each other share one. */
void ctl_report_draw_signs(GString *page, const GArray *marks);

G_END_DECLS
