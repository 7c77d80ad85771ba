#include "tables/ctl/report/report.h"

#include "tables/ctl/print/human.h"
#include "tables/ctl/print/output-file.h"
#include "tables/ctl/print/text.h"
#include "tables/ctl/report/advice.h"
#include "tables/ctl/report/events.h"
#include "tables/ctl/report/figure.h"
#include "tables/ctl/report/html.h"
#include "tables/ctl/report/samples.h"
#include "tables/ctl/report/signs.h"
#include "tables/ctl/report/style.h"
#include "tables/ctl/report/tables.h"
#include "watchdog/store/store-error.h"

#include <errno.h>

/* The page allows itself nothing but its own style sheet, so that markup that a name in the store
 * might smuggle into it does nothing. */
static void
write_head(GString *page, gint64 now_s)
{
  g_autofree char *made = ctl_human_time_as(now_s, "%Y-%m-%d %H:%M");
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize length = sizeof digest;
  g_checksum_update(checksum, (const guchar *)ctl_report_style, -1);
  g_checksum_get_digest(checksum, digest, &length);
  g_autofree char *hash = g_base64_encode(digest, length);
  ctl_html(page,
           "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src"
           " 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n"
           "<meta name=\"generator\" content=\"osquery-watchdogctl " PROJECT_VERSION "\">\n"
           "<title>osquery-watchdog, %s</title>\n",
           hash, made);
  g_string_append_printf(page, "<style>%s</style>\n</head>\n",
                         ctl_report_style); /* as it was hashed */
}

static void
write_count(GString *page, gint64 n, const char *one, const char *several)
{
  if (n > 0)
    ctl_html(page, "<li><b>%" G_GINT64_FORMAT "</b> %s</li>\n", n, n == 1 ? one : several);
}

static void
write_counts(GString *page, const CtlReportEvents *events)
{
  ctl_html(page,
           "<ul class=\"counts\" aria-label=\"In numbers\">\n<li><b>%" G_GINT64_FORMAT
           "</b> killed for a limit</li>\n",
           events->n_endings - events->n_would);
  write_count(page, events->n_would, "would have been (dry run)", "would have been (dry run)");
  write_count(page, events->n_exits, "exit or crash", "exits or crashes");
  write_count(page, events->n_gave_up, "given up", "given up");
  write_count(page, events->n_denylisted, "query denylisted", "queries denylisted");
  ctl_html(page, "</ul>\n");
}

static void
write_intro(GString *page, const Ctl *ctl, const CtlReportEvents *events, gint64 now_s)
{
  g_autofree char *made = ctl_human_time(now_s);
  g_autofree char *zone = ctl_human_time_as(now_s, "UTC%:z");
  g_autofree char *since = ctl->options->since_s > 0
                               ? ctl_human_time_as(now_s - ctl->options->since_s,
                                                   ", of what happened since %Y-%m-%d %H:%M")
                               : g_strdup("");
  ctl_html(page,
           "<body>\n<header>\n<h1>What the watchdog of osquery did</h1>\n"
           "<p class=\"note\">Made %s%s. All times are those of %s.</p>\n",
           made, since, zone);
  write_counts(page, events);
  ctl_html(page,
           "<nav aria-label=\"On this page\"><ul><li><a href=\"#advice\">What to change</a></li>"
           "<li><a href=\"#processes\">Processes</a></li>"
           "<li><a href=\"#endings\">Terminations</a></li>"
           "<li><a href=\"#others\">Other events</a></li></ul></nav>\n</header>\n<main>\n");
}

/* @failure: why there are no @samples; NULL when there are. */
static void
write_processes(GString *page, const CtlReportSamples *samples, const GError *failure,
                const CtlReportEvents *events)
{
  ctl_html_section(page, "processes", "Processes");
  if (failure != NULL) {
    g_autofree char *why = ctl_visible(failure->message);
    ctl_html(page,
             "<p>What was measured can't be drawn: %s. The events below are from the"
             " history.</p>\n</section>\n",
             why);
    return;
  }
  if (samples->processes->len == 0) {
    ctl_html(page, "<p>There are no samples to draw: they are kept in the runtime directory, which"
                   " is missing, empty or was lost with a reboot. The events below are from the"
                   " history.</p>\n</section>\n");
    return;
  }
  g_autofree char *from = ctl_human_time_as(samples->from_s, "%Y-%m-%d %H:%M");
  g_autofree char *to = ctl_human_time_as(samples->to_s, "%Y-%m-%d %H:%M");
  ctl_html(
      page,
      "<p>%s to %s. The line is what was measured, the dashed one its limit; a diamond is what a"
      " process had when it was killed. Each sign leads to its event.</p>\n",
      from, to);
  ctl_report_legend(page, events);
  for (guint i = 0; i < samples->processes->len; i++)
    ctl_report_figure(page, samples->processes->pdata[i], events, i);
  if (samples->more)
    ctl_html(page, "<p class=\"note\">There are more processes; the first %d are shown.</p>\n",
             CTL_REPORT_PROCESSES);
  ctl_html(page, "</section>\n");
}

gboolean
ctl_report(const Ctl *ctl, GError **error)
{
  const gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
  const gint64 oldest_s =
      ctl->options->since_s > 0 ? now_s - ctl->options->since_s : G_MININT64 + 1;
  /* A directory given by mistake must not yield a page that says all is well. */
  if (!ctl_check_file(ctl, "watchdog_samples", NULL) &&
      !ctl_check_file(ctl, "watchdog_events", error))
    return FALSE;
  g_autoptr(CtlReportEvents) events = ctl_report_events_read(ctl, oldest_s, error);
  if (events == NULL)
    return FALSE;
  g_autoptr(GError) failure = NULL;
  g_autoptr(CtlReportSamples) samples = ctl_report_samples_read(ctl, oldest_s, &failure);
  if (samples == NULL &&
      !ctl_check_file(ctl, "watchdog_events", NULL)) { /* nothing is left to show */
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }

  g_autoptr(GString) page = g_string_new(NULL);
  write_head(page, now_s);
  write_intro(page, ctl, events, now_s);
  if (!ctl_report_advice(page, ctl, events, oldest_s, error))
    return FALSE;
  write_processes(page, samples, failure, events);
  ctl_report_endings(page, events);
  ctl_report_others(page, events);
  ctl_html(page, "</main>\n</body>\n</html>\n");

  if (!g_str_equal(ctl->options->html, "-"))
    return ctl_output_file(ctl->options->html, page->str, page->len, error);
  if (fwrite(page->str, 1, page->len, ctl->out) == page->len && fflush(ctl->out) == 0)
    return TRUE;
  g_set_error(error, WD_STORE_ERROR, WD_STORE_ERROR_IO, "cannot write the output: %s",
              g_strerror(errno));
  return FALSE;
}
