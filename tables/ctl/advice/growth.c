#include "tables/ctl/advice/growth.h"

#include "tables/ctl/print/human.h"
#include "watchdog/core/event/none.h"

/* Checks are 3 s apart, and a minute where the store has thinned them out. More time, or less than
 * none, is that of a clock that was set or of a host that slept. */
#define LONGEST_STEP_S 120
#define USUAL_STEP_S 3

/* A life that is too short for so many parts and samples doesn't show what it would have become. */
#define PARTS 12
#define FEWEST_POINTS 24
#define SHORTEST_LEAK_S 600

/* A query is a peak for as long as it runs; a quarter of the samples is longer than most do. */
#define FLOOR_SHARE 0.25

/* Of all pairs of floors, so many rise. Chance gives half of them; a staircase of four steps, of
 * which the floors within a step are alike, 80 %. */
#define STEADY_SHARE 0.75
/* The line explains at least so much of the growth, … */
#define LEAK_SHARE 0.4
/* … and doesn't level off: the later half rises at least so much as the whole. A cache that fills
 * up does level off. */
#define LATE_SHARE 0.3
/* The line explains less, and the newest floor is nowhere near the end. */
#define JUMP_SHARE 0.25

#define LONGEST_REACH_S (10.0 * 365 * 86400)

typedef struct {
  double seconds; /* negative: before the last point */
  double bytes;
} Place;

typedef struct {
  double slope; /* bytes a second */
  double first; /* the line's height at the first point, and at the last one */
  double last;
  double rising; /* the share of pairs that rise */
} Line;

static gint
compare_doubles(gconstpointer a, gconstpointer b)
{
  const double one = *(const double *)a;
  const double other = *(const double *)b;
  return (one > other) - (one < other);
}

/* The value with @share of the others below it. @values: of double, not empty; gets sorted. */
static double
quantile(GArray *values, double share)
{
  g_array_sort(values, compare_doubles);
  return g_array_index(values, double, (guint)((values->len - 1) * share));
}

/* Puts the points on an axis of time that no clock has set, the last one at 0, and leaves out those
 * from before the process's life. */
static GArray *
place_points(const GArray *points, gint64 lifetime_ms)
{
  GArray *places = g_array_new(FALSE, FALSE, sizeof(Place));
  gint64 step_s = USUAL_STEP_S;
  gint64 age_s = 0;
  for (guint i = points->len; i > 0; i--) {
    const CtlGrowthPoint *point = &g_array_index(points, CtlGrowthPoint, i - 1);
    if (i < points->len) {
      const gint64 since_s = g_array_index(points, CtlGrowthPoint, i).time_s - point->time_s;
      step_s = since_s > 0 && since_s <= LONGEST_STEP_S ? since_s : step_s;
      age_s += step_s;
    }
    if (lifetime_ms != WD_NONE && age_s > lifetime_ms / 1000 + USUAL_STEP_S)
      break;
    const Place place = {-(double)age_s, (double)point->bytes};
    g_array_append_val(places, place);
  }
  return places;
}

/* Of each part of the time its middle and its floor, the oldest first. @places: the newest first.
 */
static GArray *
find_floors(const GArray *places, double span_s)
{
  GArray *floors = g_array_new(FALSE, FALSE, sizeof(Place));
  const double length_s = span_s / PARTS;
  guint left = places->len;
  for (guint part = 0; part < PARTS; part++) {
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    const double end_s = part == PARTS - 1 ? G_MAXDOUBLE : -span_s + (part + 1) * length_s;
    for (; left > 0 && g_array_index(places, Place, left - 1).seconds < end_s; left--)
      g_array_append_val(values, g_array_index(places, Place, left - 1).bytes);
    if (values->len == 0)
      continue;
    const Place floor = {-span_s + (part + 0.5) * length_s, quantile(values, FLOOR_SHARE)};
    g_array_append_val(floors, floor);
  }
  return floors;
}

/* The median of the slopes between any two of the floors from @begin on; @rising: set to the share
 * of those that rise. At least two floors must be left. */
static double
find_slope(const GArray *floors, guint begin, double *rising)
{
  g_autoptr(GArray) slopes = g_array_new(FALSE, FALSE, sizeof(double));
  guint rises = 0;
  for (guint i = begin; i < floors->len; i++)
    for (guint j = i + 1; j < floors->len; j++) {
      const Place *a = &g_array_index(floors, Place, i);
      const Place *b = &g_array_index(floors, Place, j);
      const double slope = (b->bytes - a->bytes) / (b->seconds - a->seconds);
      rises += slope > 0 ? 1 : 0;
      g_array_append_val(slopes, slope);
    }
  *rising = (double)rises / slopes->len;
  return quantile(slopes, 0.5);
}

static Line
fit_line(const GArray *floors, double span_s)
{
  Line line;
  line.slope = find_slope(floors, 0, &line.rising);
  g_autoptr(GArray) heights = g_array_new(FALSE, FALSE, sizeof(double));
  for (guint i = 0; i < floors->len; i++) {
    const Place *floor = &g_array_index(floors, Place, i);
    const double height = floor->bytes - line.slope * floor->seconds;
    g_array_append_val(heights, height);
  }
  line.last = quantile(heights, 0.5);
  line.first = line.last - line.slope * span_s;
  return line;
}

static gboolean
is_leak(const GArray *floors, const Line *line, double growth, double span_s)
{
  double rising;
  return growth > 0 && span_s >= SHORTEST_LEAK_S && line->rising >= STEADY_SHARE &&
         line->last - line->first >= LEAK_SHARE * growth &&
         find_slope(floors, floors->len / 2, &rising) >= LATE_SHARE * line->slope;
}

/* @growth: from the line's beginning to what was measured. */
static gboolean
is_jump(const GArray *floors, const Line *line, double growth)
{
  const double newest = g_array_index(floors, Place, floors->len - 1).bytes;
  return growth > 0 && line->last - line->first < JUMP_SHARE * growth &&
         newest - line->first < 0.5 * growth;
}

/* @span_s: from the first sample to the last. @floor: the one at which it is over the limit.
 * Samples are kept for a day, so a process that has lived longer began lower. */
static gint64
reach_again(const Line *line, double span_s, gint64 lifetime_ms, double floor)
{
  const double lived_s = lifetime_ms != WD_NONE ? (double)lifetime_ms / 1000 : span_s;
  const double start = MAX(line->last - line->slope * lived_s, 0);
  return (gint64)CLAMP((floor - start) / line->slope, 0, LONGEST_REACH_S);
}

CtlGrowth
ctl_growth_find(const GArray *points, gint64 lifetime_ms, gint64 measured, gint64 limit)
{
  CtlGrowth found = {.kind = CTL_GROWTH_UNKNOWN};
  g_autoptr(GArray) places = place_points(points, lifetime_ms);
  if (places->len < FEWEST_POINTS)
    return found;
  const double span_s = -g_array_index(places, Place, places->len - 1).seconds;
  g_autoptr(GArray) floors = find_floors(places, span_s);
  if (floors->len < PARTS / 2)
    return found;
  const Line line = fit_line(floors, span_s);
  const double growth = (double)measured - line.first;
  if (is_leak(floors, &line, growth, span_s)) {
    found.kind = CTL_GROWTH_LEAK;
    found.bytes_per_hour = line.slope * 3600;
    const double peak = MAX((double)measured - line.last, 0); /* the next ones are as high */
    found.reach_s = reach_again(&line, span_s, lifetime_ms, (double)limit - peak);
  } else if (is_jump(floors, &line, growth))
    found.kind = CTL_GROWTH_JUMP;
  return found;
}

char *
ctl_growth_words(const CtlGrowth *growth)
{
  if (growth->kind == CTL_GROWTH_UNKNOWN)
    return NULL;
  if (growth->kind == CTL_GROWTH_JUMP)
    return g_strdup("A peak: it grew at the end of its life, not steadily.");
  g_autofree char *rate = ctl_human_bytes((gint64)growth->bytes_per_hour, WD_NONE);
  g_autofree char *reach = ctl_human_duration(growth->reach_s);
  return g_strdup_printf("A leak: it grew steadily, by %s an hour. At that rate it is over the "
                         "limit again %s after a start.",
                         rate, reach);
}
