#include "tables/ctl/report/chart.h"

#include <math.h>

/* A bit more than twice the time between two old samples (watchdog/store/samples.h). */
#define GAP_S 150

void
ctl_series_init(CtlSeries *series, gint64 from_s, gint64 to_s)
{
  series->from_s = from_s;
  series->to_s = to_s;
  for (gsize i = 0; i < CTL_CHART_BUCKETS; i++)
    series->buckets[i] = (CtlBucket){.least = NAN, .greatest = NAN, .limit = NAN};
}

double
ctl_series_percent(const CtlSeries *series, gint64 time_s)
{
  return 100.0 * (double)(time_s - series->from_s) / (double)(series->to_s - series->from_s);
}

static gboolean
is_empty(const CtlBucket *bucket)
{
  return isnan(bucket->greatest);
}

void
ctl_series_add(CtlSeries *series, gint64 time_s, gint64 pid, double value, double limit)
{
  if (time_s < series->from_s || time_s > series->to_s)
    return;
  const double place = ctl_series_percent(series, time_s) / 100 * CTL_CHART_BUCKETS;
  CtlBucket *bucket = &series->buckets[MIN((gsize)place, CTL_CHART_BUCKETS - 1)];
  if (isfinite(limit))
    bucket->limit = limit;
  if (!isfinite(value))
    return;
  if (is_empty(bucket)) {
    bucket->first_pid = pid;
    bucket->first_time = time_s;
  }
  bucket->last_pid = pid;
  bucket->last_time = time_s;
  if (is_empty(bucket) || value > bucket->greatest) {
    bucket->greatest = value;
    bucket->rises = TRUE;
  }
  if (isnan(bucket->least) || value < bucket->least) {
    bucket->least = value;
    bucket->rises = FALSE;
  }
}

double
ctl_series_greatest(const CtlSeries *series, gsize first, gsize end)
{
  double greatest = NAN;
  for (gsize i = first; i < end; i++)
    greatest = fmax(greatest, series->buckets[i].greatest); /* NAN yields */
  return greatest;
}

double
ctl_series_limit(const CtlSeries *series)
{
  for (gsize i = CTL_CHART_BUCKETS; i > 0; i--)
    if (!isnan(series->buckets[i - 1].limit))
      return series->buckets[i - 1].limit;
  return NAN;
}

static int
y_of(double value, double top)
{
  return (int)lround(CTL_CHART_HEIGHT * (1 - CLAMP(value / top, 0, 1)));
}

static gboolean
goes_on(const CtlBucket *before, const CtlBucket *bucket)
{
  return before->last_pid == bucket->first_pid && bucket->first_time - before->last_time <= GAP_S;
}

char *
ctl_series_path(const CtlSeries *series, double top)
{
  GString *path = g_string_new(NULL);
  const CtlBucket *before = NULL;
  for (gsize i = 0; i < CTL_CHART_BUCKETS; i++) {
    const CtlBucket *bucket = &series->buckets[i];
    if (is_empty(bucket))
      continue;
    const int x = (int)(2 * i + 1);
    const int first = y_of(bucket->rises ? bucket->least : bucket->greatest, top);
    const int second = y_of(bucket->rises ? bucket->greatest : bucket->least, top);
    const gboolean line = before != NULL && goes_on(before, bucket);
    g_string_append_printf(path, "%c%d %d", line ? 'L' : 'M', x, first);
    /* A single sample is a dot: a line of no length, with round ends. */
    if (second != first || !line)
      g_string_append_printf(path, "V%d", second);
    before = bucket;
  }
  return g_string_free(path, FALSE);
}

/* From edge to edge. The limit before the first sample, and between two, isn't known, but a reader
 * would misunderstand a line with gaps. */
char *
ctl_series_limit_path(const CtlSeries *series, double top)
{
  GString *path = g_string_new(NULL);
  int height = -1;
  for (gsize i = 0; i < CTL_CHART_BUCKETS; i++) {
    if (isnan(series->buckets[i].limit))
      continue;
    const int y = y_of(series->buckets[i].limit, top);
    if (height < 0)
      g_string_append_printf(path, "M0 %d", y);
    else if (y != height)
      g_string_append_printf(path, "H%d V%d", (int)(2 * i), y);
    height = y;
  }
  if (height >= 0)
    g_string_append_printf(path, "H%d", CTL_CHART_WIDTH);
  return g_string_free(path, FALSE);
}

double
ctl_scale_step(double greatest)
{
  if (!(greatest > 0))
    return 1;
  const double power = pow(10, floor(log10(greatest)));
  const double steps = greatest / power; /* from 1 to 10 */
  return steps < 2 ? power / 2 : steps <= 5 ? power : power * 2;
}

gint64
ctl_scale_time(gint64 span_s)
{
  static const gint64 steps[] = {15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600};
  gsize i = 0;
  while (i + 1 < G_N_ELEMENTS(steps) && span_s / steps[i] >= 5)
    i++;
  return steps[i];
}
