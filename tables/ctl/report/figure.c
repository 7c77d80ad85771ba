/* A picture is as wide as the page, and its text stays as large as the page's. Places along the
 * time are therefore percentages, and only the lines lie in an inner picture that is stretched. */
#include "tables/ctl/report/figure.h"

#include "tables/ctl/print/human.h"
#include "tables/ctl/report/html.h"
#include "tables/ctl/report/signs.h"

#include <math.h>

#define PLOT_HEIGHT 100
#define CPU_Y 52
#define MEMORY_Y 188
#define TIME_Y 306
#define FIGURE_HEIGHT 312
/* Some room above the highest value. */
#define AIR 1.08
/* How many rows the table of figures has. */
#define FIGURE_ROWS 24

G_STATIC_ASSERT(CTL_CHART_BUCKETS % FIGURE_ROWS == 0);

static const CtlReportMark *
mark_at(const GArray *marks, guint i)
{
  return &g_array_index(marks, CtlReportMark, i);
}

/* The value that was measured when the process was killed. There may be no sample of it, because
 * checks near a limit are more frequent than samples. */
static double
measured_of(const CtlReportEvent *event, gboolean memory)
{
  if (memory)
    return g_str_equal(event->reason, "memory") && event->measured != WD_NONE
               ? (double)event->measured
               : NAN;
  return g_str_equal(event->reason, "cpu") ? event->utilization : NAN;
}

/* --- one plot --- */

typedef struct {
  const CtlSeries *series;
  int y; /* where it begins */
  gboolean memory;
  double top;
  double step;    /* between two lines of the grid */
  double limit;   /* NAN without one */
  double divisor; /* to the unit */
  const char *unit;
  double highest; /* sampled, or measured when it was killed; NAN: nothing was */
} Plot;

static Plot
plan_plot(const CtlSeries *series, const GArray *marks, gboolean memory)
{
  Plot plot = {.series = series,
               .y = memory ? MEMORY_Y : CPU_Y,
               .memory = memory,
               .limit = ctl_series_limit(series),
               .divisor = 1,
               .unit = "%",
               .highest = ctl_series_greatest(series, 0, CTL_CHART_BUCKETS)};
  for (guint i = 0; i < marks->len; i++) /* NAN yields */
    plot.highest = fmax(plot.highest, measured_of(mark_at(marks, i)->event, memory));
  const double shown = fmax(fmax(plot.highest, plot.limit), memory ? 1024 * 1024 : 1);
  plot.top = MIN(shown, 1e18) * AIR;
  if (memory)
    plot.divisor = ctl_human_byte_unit(shown, &plot.unit);
  plot.step = ctl_scale_step(plot.top / plot.divisor) * plot.divisor;
  return plot;
}

static double
y_of(const Plot *plot, double value)
{
  return plot->y + PLOT_HEIGHT * (1 - CLAMP(value / plot->top, 0, 1));
}

/* "12.5 %", "310 MiB": with the digits that matter; @absent for NAN. */
static char *
quantity(const Plot *plot, double value, const char *absent)
{
  if (isnan(value))
    return g_strdup(absent);
  const double shown = value / plot->divisor;
  const int digits = fabs(shown) >= 100 || shown == floor(shown) ? 0 : fabs(shown) < 1 ? 2 : 1;
  return g_strdup_printf("%.*f %s", digits, shown, plot->unit);
}

static void
draw_scale(GString *page, const Plot *plot)
{
  for (guint i = 0; i * plot->step <= plot->top; i++) {
    g_autofree char *label = i == 0 ? g_strdup("0") : quantity(plot, i * plot->step, "");
    ctl_html(page, "<text x=\"54\" y=\"%.1f\">%s</text>\n", y_of(plot, i * plot->step) + 4, label);
  }
}

static void
draw_plot(GString *page, const Plot *plot)
{
  g_autofree char *values = ctl_series_path(plot->series, plot->top);
  g_autofree char *limits = ctl_series_limit_path(plot->series, plot->top);
  ctl_html(page, "<text class=\"title\" x=\"0\" y=\"%d\">%s</text>\n", plot->y - 8,
           plot->memory ? "Memory" : "CPU, % of all CPUs");
  if (!isnan(plot->limit)) {
    g_autofree char *label = quantity(plot, plot->limit, "");
    ctl_html(page, "<text class=\"limit\" x=\"100%%\" y=\"%d\">limit %s</text>\n", plot->y - 8,
             label);
  }
  for (guint i = 0; i * plot->step <= plot->top; i++)
    ctl_html(page, "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
             y_of(plot, i * plot->step), y_of(plot, i * plot->step));
  ctl_html(page,
           "<svg aria-hidden=\"true\" y=\"%d\" width=\"100%%\" height=\"%d\""
           " viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">"
           "<path class=\"limit\" d=\"%s\"/><path class=\"value\" d=\"%s\"/></svg>\n",
           plot->y, PLOT_HEIGHT, CTL_CHART_WIDTH, CTL_CHART_HEIGHT, limits, values);
}

static void
draw_measured(GString *page, const Plot *plot, const GArray *marks)
{
  for (guint i = 0; i < marks->len; i++) {
    const CtlReportMark *mark = mark_at(marks, i);
    const double measured = measured_of(mark->event, plot->memory);
    if (!isnan(measured))
      ctl_html(page,
               "<svg class=\"at\" aria-hidden=\"true\" x=\"%.2f%%\" y=\"%.1f\">"
               "<path class=\"measured\" d=\"M0-5L5 0L0 5L-5 0Z\"/></svg>\n",
               mark->percent, y_of(plot, measured));
  }
}

static void
draw_events(GString *page, const GArray *marks)
{
  for (guint i = 0; i < marks->len; i++)
    ctl_html(page, "<line class=\"event\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"22\" y2=\"%d\"/>\n",
             mark_at(marks, i)->percent, mark_at(marks, i)->percent, MEMORY_Y + PLOT_HEIGHT);
}

static void
draw_times(GString *page, const CtlSeries *series)
{
  const gint64 step_s = ctl_scale_time(series->to_s - series->from_s);
  g_autoptr(GDateTime) end = g_date_time_new_from_unix_local(series->to_s);
  const gint64 offset_s = end != NULL ? g_date_time_get_utc_offset(end) / G_USEC_PER_SEC : 0;
  gint64 time_s = series->to_s - (series->to_s + offset_s) % step_s;
  for (; time_s >= series->from_s; time_s -= step_s) {
    const double percent = ctl_series_percent(series, time_s);
    g_autofree char *label = ctl_human_time_as(time_s, step_s < 60 ? "%H:%M:%S" : "%H:%M");
    ctl_html(page,
             "<line class=\"grid\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>"
             "<text class=\"time %s\" x=\"%.2f%%\" y=\"%d\">%s</text>\n",
             percent, percent, MEMORY_Y + PLOT_HEIGHT, MEMORY_Y + PLOT_HEIGHT + 5,
             percent > 92  ? "last"
             : percent < 8 ? "first"
                           : "",
             percent, TIME_Y, label);
  }
}

/* --- the figures behind the picture --- */

static void
write_figures(GString *page, const CtlReportProcess *process, const Plot *cpu, const Plot *memory)
{
  const gsize each = CTL_CHART_BUCKETS / FIGURE_ROWS;
  const gint64 span_s = process->cpu.to_s - process->cpu.from_s;
  const char *format = span_s < 3600 ? "%H:%M:%S" : "%H:%M";
  ctl_html(page,
           "<details><summary>The figures of %s</summary>\n<table><thead><tr><th>From</th>"
           "<th>CPU, highest</th><th>Memory, highest</th></tr></thead><tbody>\n",
           process->name);
  for (gsize row = 0; row < FIGURE_ROWS; row++) {
    const double busy = ctl_series_greatest(&process->cpu, row * each, (row + 1) * each);
    const double bytes = ctl_series_greatest(&process->memory, row * each, (row + 1) * each);
    if (isnan(busy) && isnan(bytes))
      continue;
    const gint64 time_s = process->cpu.from_s + span_s * (gint64)row / FIGURE_ROWS;
    g_autofree char *time = ctl_human_time_as(time_s, format);
    g_autofree char *busy_text = quantity(cpu, busy, "–");
    g_autofree char *bytes_text = quantity(memory, bytes, "–");
    ctl_html(page, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", time, busy_text, bytes_text);
  }
  ctl_html(page, "</tbody></table></details>\n");
}

static void
write_caption(GString *page, const Plot *cpu, const Plot *memory, guint n_marks)
{
  const Plot *const plots[] = {cpu, memory};
  ctl_html(page, "<figcaption>");
  for (gsize i = 0; i < G_N_ELEMENTS(plots); i++) {
    g_autofree char *most = quantity(plots[i], plots[i]->highest, "not known");
    g_autofree char *limit = quantity(plots[i], plots[i]->limit, "none");
    ctl_html(page, "%s at most %s, limit %s. ", i == 0 ? "CPU" : "Memory", most, limit);
  }
  if (n_marks > 0)
    ctl_html(page, n_marks == 1 ? "%u event." : "%u events.", n_marks);
  ctl_html(page, "</figcaption>\n");
}

void
ctl_report_figure(GString *page, const CtlReportProcess *process, const CtlReportEvents *events,
                  guint number)
{
  g_autoptr(GArray) marks = ctl_report_marks(process, events);
  const Plot cpu = plan_plot(&process->cpu, marks, FALSE);
  const Plot memory = plan_plot(&process->memory, marks, TRUE);

  ctl_html(page,
           "<section class=\"process\" aria-labelledby=\"p%u\">\n<h3 id=\"p%u\">%s</h3>"
           "<p class=\"state\">%s</p>\n<figure>\n<div class=\"picture%s\">\n"
           "<svg class=\"scale\" aria-hidden=\"true\" width=\"58\" height=\"%d\">\n",
           number, number, process->name, process->state, marks->len > 0 ? "" : " quiet",
           FIGURE_HEIGHT);
  draw_scale(page, &cpu);
  draw_scale(page, &memory);
  ctl_html(page,
           "</svg>\n<svg class=\"plot\" width=\"100%%\" height=\"%d\" role=\"group\""
           " aria-label=\"CPU and memory of %s over time\">\n",
           FIGURE_HEIGHT, process->name);
  draw_events(page, marks); /* below all else */
  draw_plot(page, &cpu);
  draw_plot(page, &memory);
  draw_times(page, &process->cpu);
  draw_measured(page, &cpu, marks);
  draw_measured(page, &memory, marks);
  ctl_report_draw_signs(page, marks);
  ctl_html(page, "</svg>\n</div>\n");
  write_caption(page, &cpu, &memory, marks->len);
  ctl_html(page, "</figure>\n");
  write_figures(page, process, &cpu, &memory);
  ctl_html(page, "</section>\n");
}
