#include "tables/ctl/report/tables.h"

#include "tables/ctl/print/human.h"
#include "tables/ctl/print/words.h"
#include "tables/ctl/report/html.h"
#include "tables/ctl/report/signs.h"

#include <math.h>

/* --- the parts of both tables --- */

/* Begins a section, and its table if there are @events; else says @none.
 * @all: how many there are, shown or not. @titles: of the columns. */
static void
begin_section(GString *page, const char *id, const char *label, const char *none,
              const GPtrArray *events, gint64 all, const char *const *titles)
{
  ctl_html_section(page, id, label);
  if (events->len == 0) {
    ctl_html(page, "<p>%s</p>\n", none);
    return;
  }
  if (events->len < all)
    ctl_html(page, "<p class=\"note\">The newest %u of %" G_GINT64_FORMAT " are shown.</p>\n",
             events->len, all);
  /* A table that is laid out as blocks, on a phone, would lose its meaning without the roles. */
  ctl_html(page,
           "<table class=\"events\" role=\"table\" aria-label=\"%s\"><thead role=\"rowgroup\"><tr "
           "role=\"row\">",
           label);
  for (; *titles != NULL; titles++)
    ctl_html(page, "<th role=\"columnheader\">%s</th>", *titles);
  ctl_html(page, "</tr></thead><tbody role=\"rowgroup\">\n");
}

/* @note: below the table, or "". */
static void
end_section(GString *page, const GPtrArray *events, const char *note)
{
  if (events->len > 0)
    ctl_html(page, "</tbody></table>\n");
  if (events->len > 0 && *note != '\0')
    ctl_html(page, "<p class=\"note\">%s</p>\n", note);
  ctl_html(page, "</section>\n");
}

/* Begins a row: the cells that say what it is about, and the beginning of the next one, called
 * @title. */
static void
begin_row(GString *page, const CtlReportEvent *event, const char *title)
{
  g_autofree char *time = ctl_human_time(event->time_s);
  const char sign = ctl_report_sign(event);
  ctl_html(page,
           "<tr role=\"row\" id=\"e%" G_GINT64_FORMAT "\"><td role=\"cell\" data-label=\"When\""
           " class=\"when\">%s</td><td role=\"cell\" data-label=\"Process\">%s",
           event->eid, time, event->name);
  if (event->pid != WD_NONE)
    ctl_html(page, " <small>pid %" G_GINT64_FORMAT "</small>", event->pid);
  ctl_html(page, "</td><td role=\"cell\" data-label=\"%s\" class=\"what\">", title);
  if (sign != '\0')
    ctl_html(page, "<b class=\"sign\">%c</b> ", sign);
}

/* --- what was killed for a limit --- */

static char *
why(const CtlReportEvent *event)
{
  const char *tail = g_str_equal(event->event, "would_terminate") ? " (dry run)" : "";
  const gboolean cpu = g_str_equal(event->reason, "cpu");
  if (cpu && event->sustained_s != WD_NONE)
    return g_strdup_printf("CPU over its limit for %" G_GINT64_FORMAT " s%s", event->sustained_s,
                           tail);
  return g_strconcat(cpu                                          ? "CPU over its limit"
                     : g_str_equal(event->reason, "memory")       ? "memory over its limit"
                     : g_str_equal(event->reason, "unresponsive") ? "did not answer"
                                                                  : "lost its registration",
                     tail, NULL);
}

static char *
against_limit(const CtlReportEvent *event)
{
  if (g_str_equal(event->reason, "cpu") && !isnan(event->utilization))
    return ctl_human_percent(event->utilization, event->utilization_limit);
  if (g_str_equal(event->reason, "unresponsive") && event->measured != WD_NONE) {
    g_autofree char *silent = ctl_human_ms(event->measured);
    g_autofree char *limit = ctl_human_ms(event->limit_value);
    return g_strdup_printf("%s/%s", silent, limit);
  }
  if (!g_str_equal(event->reason, "memory") || event->measured == WD_NONE)
    return g_strdup("–");
  g_autofree char *measured = ctl_human_bytes(event->measured, event->limit_value);
  if (event->peak_bytes <= event->measured)
    return g_steal_pointer(&measured);
  g_autofree char *peak = ctl_human_bytes(event->peak_bytes, WD_NONE);
  return g_strdup_printf("%s, then up to %s", measured, peak);
}

static char *
outcome(const CtlReportEvent *event)
{
  GString *text = g_string_new(NULL);
  if (g_str_equal(event->event, "would_terminate"))
    g_string_append(text, "left alone");
  else
    g_string_append(text, *event->outcome ? event->outcome : "not known");
  if (event->duration_ms != WD_NONE) {
    g_autofree char *took = ctl_human_ms(event->duration_ms);
    g_string_append_printf(text, " in %s", took);
  }
  if (*event->signals_sent)
    g_string_append_printf(text, " (%s)", event->signals_sent);
  if (event->lifetime_ms != WD_NONE) {
    g_autofree char *lived = ctl_human_ms(event->lifetime_ms);
    g_string_append_printf(text, ", had lived %s", lived);
  }
  return g_string_free(text, FALSE);
}

static void
write_query(GString *page, const CtlReportEvent *event)
{
  g_autofree char *asked = ctl_words_of_query(event->origin, NULL);
  if (*event->query_name)
    ctl_html(page, "<span>%s%s <code>%s</code></span>", event->query_name,
             event->origin == WD_ORIGIN_DISTRIBUTED ? " (distributed)" : "", event->query);
  else
    ctl_html(page, "%s", asked != NULL ? asked : "–");
}

static void
write_ending(GString *page, const CtlReportEvent *event)
{
  g_autofree char *reason = why(event);
  g_autofree char *measured = against_limit(event);
  g_autofree char *how = outcome(event);
  begin_row(page, event, "Why");
  ctl_html(page,
           "%s</td><td role=\"cell\" data-label=\"Measured\">%s</td>"
           "<td role=\"cell\" data-label=\"Outcome\">%s</td>"
           "<td role=\"cell\" data-label=\"Query\">",
           reason, measured, how);
  write_query(page, event);
  ctl_html(page, "</td></tr>\n");
}

void
ctl_report_endings(GString *page, const CtlReportEvents *events)
{
  static const char *const titles[] = {"When",    "Process", "Why", "Measured / limit",
                                       "Outcome", "Query",   NULL};
  begin_section(page, "endings", "Terminations", "No process was killed for a limit.",
                events->endings, events->n_endings, titles);
  for (guint i = 0; i < events->endings->len; i++)
    write_ending(page, events->endings->pdata[i]);
  end_section(page, events->endings,
              "A query is known if osqueryd said that it executes it (--name_queries); a scheduled "
              "one also once osquery has denylisted it.");
}

/* --- all else --- */

/* The message of a denylisting names its query itself. */
static void
write_message(GString *page, const CtlReportEvent *event)
{
  const char *name = *event->query_name ? event->query_name : NULL;
  g_autofree char *query = ctl_words_of_query(event->origin, name);
  ctl_html(page, "%s", event->message);
  if (query != NULL && !g_str_equal(event->event, "query_denylisted"))
    ctl_html(page, " (in %s)", query);
}

void
ctl_report_others(GString *page, const CtlReportEvents *events)
{
  static const char *const titles[] = {"When", "Process", "Event", "Message", NULL};
  begin_section(page, "others", "Other events", "None.", events->others, events->n_others, titles);
  for (guint i = 0; i < events->others->len; i++) {
    const CtlReportEvent *event = events->others->pdata[i];
    begin_row(page, event, "Event");
    ctl_html(page, "<span class=\"word\">%s</span></td><td role=\"cell\" data-label=\"Message\">",
             event->event);
    write_message(page, event);
    ctl_html(page, "</td></tr>\n");
  }
  end_section(page, events->others, "");
}
