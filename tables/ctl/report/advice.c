#include "tables/ctl/report/advice.h"

#include "tables/ctl/advice/advice.h"
#include "tables/ctl/advice/life.h"
#include "tables/ctl/print/words.h"
#include "tables/ctl/report/html.h"
#include "watchdog/store/database.h"

#include <string.h>

/* A longer list would not be read. */
#define MOST_ADVICE 20

/* The ends of processes, and giving up; their consequences need no advice of their own. The oldest
 * first, as ctl_finding_add() expects them. */
static const char ends_sql[] = CTL_FINDING_SELECT
    " WHERE e.time >= ? AND (e.event IN ('process_terminated', 'would_terminate',"
    " 'process_exited', 'spawn_failed')"
    " OR e.event = 'respawn_limit_reached' AND e.reason = 'spawn') ORDER BY e.eid";

/* Similar ends of one process. */
typedef struct {
  CtlFinding finding;
  CtlFinding newest;
  guint n;
} Group;

static void
take(GArray *groups, const CtlFinding *finding)
{
  for (guint i = 0; i < groups->len; i++) {
    Group *group = &g_array_index(groups, Group, i);
    if (group->finding.event == finding->event && group->finding.reason == finding->reason &&
        g_str_equal(group->finding.name, finding->name)) {
      ctl_finding_add(&group->finding, finding);
      group->newest = *finding;
      group->n++;
      return;
    }
  }
  const Group first = {*finding, *finding, 1};
  if (groups->len < MOST_ADVICE)
    g_array_append_val(groups, first);
}

/* Marks flags as code, which stays on one line: a flag broken in two would read as another one. */
static void
write_words(GString *page, const char *text)
{
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  for (guint i = 0; words[i] != NULL; i++) {
    const gsize flag = g_str_has_prefix(words[i], "--") ? strcspn(words[i], ",;:.)") : 0;
    g_autofree char *name = g_strndup(words[i], flag);
    ctl_html(page, flag > 0 ? "%s<code>%s</code>%s" : "%s%s%s", i == 0 ? "" : " ", name,
             words[i] + flag);
  }
}

/* @advice: a command in it stands between backticks, as a terminal shows it. */
static void
write_sentences(GString *page, const char *advice)
{
  g_auto(GStrv) parts = g_strsplit(advice, "`", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (i % 2 == 1)
      ctl_html(page, "<code>%s</code>", parts[i]);
    else
      write_words(page, parts[i]);
}

/* What happened, which leads to the newest of them, and in which query. */
static void
write_title(GString *page, const Group *group, const CtlReportEvents *events)
{
  const CtlFinding *finding = &group->newest;
  g_autofree char *query = ctl_words_of_query(finding->origin, finding->query_name);
  g_autofree char *what =
      ctl_words_of_event(finding->event, finding->reason, finding->exit_code, finding->exit_signal);
  ctl_html(page, "<dt>");
  if (ctl_report_events_show(events, finding->eid))
    ctl_html(page, "<a href=\"#e%" G_GINT64_FORMAT "\">%s: %s</a>", finding->eid, finding->name,
             what);
  else
    ctl_html(page, "%s: %s", finding->name, what);
  if (group->n > 1)
    ctl_html(page, ", %u times", group->n);
  if (query != NULL)
    ctl_html(page, group->n > 1 ? ", the last time in %s" : ", in %s", query);
  ctl_html(page, "</dt>");
}

static void
write_group(GString *page, const Group *group, const CtlReportEvents *events,
            const CtlLimits *limits, const CtlFlags *flags)
{
  g_autofree char *advice = ctl_advice(&group->finding, limits, flags);
  g_autofree char *growth = ctl_growth_words(&group->finding.growth);
  if (advice == NULL)
    return;
  write_title(page, group, events);
  ctl_html(page, "<dd>%s%s", growth != NULL ? growth : "", growth != NULL ? " " : "");
  write_sentences(page, advice);
  ctl_html(page, "</dd>\n");
}

/* All share osquery's flags, so each piece of advice shows the one value that suits all. */
static void
write_groups(GString *page, const GArray *groups, const CtlReportEvents *events, const Ctl *ctl)
{
  CtlFlags flags = CTL_FLAGS_NONE;
  CtlLimits limits;
  ctl_limits_read(ctl->db, &limits);
  for (guint i = 0; i < groups->len; i++) {
    Group *group = &g_array_index(groups, Group, i);
    ctl_life_read(ctl->db, &group->newest);
    group->finding.growth = group->newest.growth;
    ctl_flags_raise(&flags, &group->finding, &limits);
  }
  for (guint i = 0; i < groups->len; i++)
    write_group(page, &g_array_index(groups, Group, i), events, &limits, &flags);
}

/* The groups of the ends since @oldest_s. @texts: keeps their names. */
static gboolean
read_groups(const Ctl *ctl, gint64 oldest_s, GStringChunk *texts, GArray *groups, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, ends_sql, &oldest_s, error);
  int result;
  while ((result = ctl_step(ctl, stmt, error)) == SQLITE_ROW) {
    CtlFinding finding;
    if (ctl_finding_read(stmt, texts, &finding))
      take(groups, &finding);
  }
  return result == SQLITE_DONE;
}

gboolean
ctl_report_advice(GString *page, const Ctl *ctl, const CtlReportEvents *events, gint64 oldest_s,
                  GError **error)
{
  g_autoptr(GStringChunk) texts = g_string_chunk_new(1024);
  g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(Group));
  if (!read_groups(ctl, oldest_s, texts, groups, error))
    return FALSE;
  g_autoptr(GString) list = g_string_new(NULL);
  write_groups(list, groups, events, ctl);
  ctl_html_section(page, "advice", "What to change");
  if (list->len > 0)
    g_string_append_printf(page, "<dl>\n%s</dl>\n", list->str); /* escaped already */
  else
    ctl_html(page, "<p>The events show nothing to change.</p>\n");
  ctl_html(page, "</section>\n");
  return TRUE;
}
