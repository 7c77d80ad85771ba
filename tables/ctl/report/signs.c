#include "tables/ctl/report/signs.h"

#include "tables/ctl/print/human.h"
#include "tables/ctl/report/html.h"

#include <string.h>

#define SIGN_Y 12
/* Signs closer together than this would overlap on a phone. */
#define SIGN_PERCENT 10.0

/* The worst first: signs too close together are drawn as one link, which leads to the worst. */
struct CtlReportSign {
  char letter;
  const char *event;
  const char *reason; /* NULL: whatever it is */
  const char *meaning;
};

static const CtlReportSign signs[] = {
    {'G', "respawn_limit_reached", NULL, "given up"},
    {'M', "process_terminated", "memory", "killed: over its memory limit"},
    {'C', "process_terminated", "cpu", "killed: over its CPU limit"},
    {'R', "process_terminated", "registration", "killed: lost its registration"},
    {'H', "process_terminated", "unresponsive", "killed: did not answer"},
    {'S', "termination_stuck", NULL, "could not be killed"},
    {'W', "watchdog_crashed", NULL, "the watchdog crashed"},
    {'O', "process_exited", "oom", "killed by the kernel, out of memory"},
    {'X', "process_exited", "signal", "killed by a signal, not ours"},
    {'E', "process_exited", "exit", "exited by itself"},
    {'F', "spawn_failed", NULL, "could not be started"},
    {'U', "extension_unregistered", "registration", "lost its registration"},
    {'N', "unresponsive", NULL, "did not answer"},
    {'D', "would_terminate", NULL, "over a limit in a dry run"},
};

static const CtlReportSign *
find_sign(const CtlReportEvent *event)
{
  for (gsize i = 0; i < G_N_ELEMENTS(signs); i++)
    if (g_str_equal(event->event, signs[i].event) &&
        (signs[i].reason == NULL || g_str_equal(event->reason, signs[i].reason)))
      return &signs[i];
  return NULL;
}

char
ctl_report_sign(const CtlReportEvent *event)
{
  const CtlReportSign *sign = find_sign(event);
  return sign != NULL ? sign->letter : '\0';
}

static gboolean
occurs(const CtlReportSign *sign, const GPtrArray *events)
{
  for (guint i = 0; i < events->len; i++)
    if (find_sign(events->pdata[i]) == sign)
      return TRUE;
  return FALSE;
}

void
ctl_report_legend(GString *page, const CtlReportEvents *events)
{
  ctl_html(page, "<ul class=\"legend\" aria-label=\"The signs in the pictures\">\n");
  for (gsize i = 0; i < G_N_ELEMENTS(signs); i++)
    if (occurs(&signs[i], events->endings) || occurs(&signs[i], events->others))
      ctl_html(page, "<li><b class=\"sign\">%c</b> %s</li>\n", signs[i].letter, signs[i].meaning);
  ctl_html(page, "</ul>\n");
}

static gint
compare_marks(gconstpointer a, gconstpointer b)
{
  const CtlReportMark *first = a;
  const CtlReportMark *second = b;
  return (first->percent > second->percent) - (first->percent < second->percent);
}

static void
collect_marks(GArray *marks, const GPtrArray *events, const CtlReportProcess *process)
{
  for (guint i = 0; i < events->len; i++) {
    const CtlReportEvent *event = events->pdata[i];
    const CtlReportMark mark = {event, find_sign(event),
                                ctl_series_percent(&process->cpu, event->time_s)};
    if (mark.sign != NULL && g_str_equal(event->name, process->name) && mark.percent >= 0 &&
        mark.percent <= 100)
      g_array_append_val(marks, mark);
  }
}

GArray *
ctl_report_marks(const CtlReportProcess *process, const CtlReportEvents *events)
{
  GArray *marks = g_array_new(FALSE, FALSE, sizeof(CtlReportMark));
  collect_marks(marks, events->endings, process);
  collect_marks(marks, events->others, process);
  g_array_sort(marks, compare_marks);
  return marks;
}

/* How many marks from @first on share one sign. */
static guint
count_near(const GArray *marks, guint first)
{
  const double percent = g_array_index(marks, CtlReportMark, first).percent;
  guint n = 1;
  while (first + n < marks->len &&
         g_array_index(marks, CtlReportMark, first + n).percent - percent < SIGN_PERCENT)
    n++;
  return n;
}

static guint
count_sign(const CtlReportMark *marks, guint n, const CtlReportSign *sign)
{
  guint count = 0;
  for (guint i = 0; i < n; i++)
    count += marks[i].sign == sign;
  return count;
}

static char *
describe(const CtlReportMark *marks, guint n)
{
  GString *text = g_string_new(NULL);
  g_autofree char *from = ctl_human_time_as(marks[0].event->time_s, "%H:%M");
  g_autofree char *to = ctl_human_time_as(marks[n - 1].event->time_s, "%H:%M");
  g_string_append(text, from);
  if (!g_str_equal(from, to))
    g_string_append_printf(text, " to %s", to);
  for (gsize s = 0; s < G_N_ELEMENTS(signs); s++) {
    const guint count = count_sign(marks, n, &signs[s]);
    if (count > 0)
      g_string_append_printf(text, count > 1 ? ", %s (%u)" : ", %s", signs[s].meaning, count);
  }
  return g_string_free(text, FALSE);
}

/* The letters of @marks, the worst first. */
static char *
letters_of(const CtlReportMark *marks, guint n)
{
  GString *letters = g_string_new(NULL);
  for (gsize s = 0; s < G_N_ELEMENTS(signs); s++)
    if (count_sign(marks, n, &signs[s]) > 0)
      g_string_append_c(letters, signs[s].letter);
  return g_string_free(letters, FALSE);
}

static void
draw_sign(GString *page, const CtlReportMark *marks, guint n)
{
  const CtlReportMark *worst = marks;
  for (guint i = 1; i < n; i++)
    if (marks[i].sign < worst->sign)
      worst = &marks[i];
  g_autofree char *label = describe(marks, n);
  g_autofree char *letters = letters_of(marks, n);
  const gsize width = 10 + 9 * strlen(letters);
  ctl_html(page,
           "<a href=\"#e%" G_GINT64_FORMAT "\" aria-label=\"%s\"><title>%s</title>"
           "<svg class=\"at\" x=\"%.2f%%\" y=\"%d\"><rect x=\"%.1f\" y=\"-10\" width=\"%u\""
           " height=\"20\" rx=\"4\"/><text y=\"4\">%s</text></svg></a>\n",
           worst->event->eid, label, label, (marks[0].percent + marks[n - 1].percent) / 2, SIGN_Y,
           -(double)width / 2, (guint)width, letters);
}

void
ctl_report_draw_signs(GString *page, const GArray *marks)
{
  for (guint i = 0, n = 0; i < marks->len; i += n) {
    n = count_near(marks, i);
    draw_sign(page, &g_array_index(marks, CtlReportMark, i), n);
  }
}
