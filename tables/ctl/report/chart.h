/* One quantity of one process over time, down-sampled to the picture's width: its size is bounded
 * however much was measured, and every peak stays. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One for every two pixels of a wide screen. */
#define CTL_CHART_BUCKETS 360
/* The coordinates of the paths: x from 0 to the width, y from 0 (the top) to the height. */
#define CTL_CHART_WIDTH (2 * CTL_CHART_BUCKETS)
#define CTL_CHART_HEIGHT 1000

typedef struct {
  double least; /* NAN, as the next two: nothing was measured */
  double greatest;
  double limit;      /* the last one */
  gboolean rises;    /* the least came before the greatest */
  gint64 first_pid;  /* of the processes measured */
  gint64 last_pid;   /* likewise */
  gint64 first_time; /* when; Unix s */
  gint64 last_time;
} CtlBucket;

typedef struct {
  gint64 from_s; /* Unix s; what lies outside isn't taken */
  gint64 to_s;   /* later than that */
  CtlBucket buckets[CTL_CHART_BUCKETS];
} CtlSeries;

void ctl_series_init(CtlSeries *series, gint64 from_s, gint64 to_s);

/* @value: NAN when it isn't known. @limit: NAN without one. */
void ctl_series_add(CtlSeries *series, gint64 time_s, gint64 pid, double value, double limit);

/* The greatest value of the buckets from @first up to, but without, @end; NAN if there is none. */
double ctl_series_greatest(const CtlSeries *series, gsize first, gsize end);

/* The newest limit; NAN if there is none. */
double ctl_series_limit(const CtlSeries *series);

/* The path data of an SVG: a line that is interrupted where another process begins (but not within
 * a bucket), or where nothing was measured for some minutes. Newly allocated, as the next one.
 * @top: the value that stands at the upper edge; what is above or below 0 is drawn at the edge. */
char *ctl_series_path(const CtlSeries *series, double top);

/* The same of the limit. */
char *ctl_series_limit_path(const CtlSeries *series, double top);

/* Where @time_s lies from left to right, 0 to 100. */
double ctl_series_percent(const CtlSeries *series, gint64 time_s);

/* A step of 1, 2 or 5 times a power of ten, so that two to five of them reach @greatest. */
double ctl_scale_step(double greatest);

/* A step in s between two marks of a clock that divides @span_s, at most a day, into at most five.
 */
gint64 ctl_scale_time(gint64 span_s);

G_END_DECLS
