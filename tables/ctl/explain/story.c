#include "tables/ctl/explain/story.h"

#include "tables/ctl/advice/advice.h"
#include "tables/ctl/advice/life.h"
#include "tables/ctl/explain/query.h"
#include "tables/ctl/explain/remains.h"
#include "tables/ctl/explain/section.h"
#include "tables/ctl/print/human.h"
#include "tables/ctl/print/terminal.h"
#include "tables/ctl/print/value.h"
#include "tables/ctl/print/words.h"
#include "watchdog/store/database.h"
#include "watchdog/store/store-error.h"

/* So many events are listed; more are counted. */
#define MOST_LISTED 20

/* Ends of one kind belong together when they lie within a day. The main event is looked up once,
 * not joined with each row. */
static const char series_sql[] = CTL_FINDING_SELECT
    " WHERE e.eid <= ?1 AND e.event = (SELECT event FROM watchdog_events WHERE eid = ?1)"
    " AND e.time > (SELECT time - 86400 FROM watchdog_events WHERE eid = ?1)"
    " AND e.name IS (SELECT name FROM watchdog_events WHERE eid = ?1)"
    " AND e.reason IS (SELECT reason FROM watchdog_events WHERE eid = ?1) ORDER BY e.eid";

static const char main_sql[] =
    "SELECT time, pid, message, signals_sent, duration_ms, outcome FROM watchdog_events"
    " WHERE eid = ?1";

/* By path rather than by t.value, which may be no JSON when the details aren't ours. */
static const char threads_sql[] =
    "SELECT json_extract(e.details, t.fullkey || '.name'),"
    " json_extract(e.details, t.fullkey || '.tid'), json_extract(e.details, t.fullkey || '.cpu_ms')"
    " FROM watchdog_events e,"
    " json_each(iif(json_valid(e.details), e.details, '{}'), '$.busiest_threads') t"
    " WHERE e.eid = ?1 AND json_extract(e.details, t.fullkey || '.cpu_ms') > 0 LIMIT 5";

static const char details_sql[] =
    "SELECT d ->> '$.interval_ms', d ->> '$.anonymous_bytes', d ->> '$.file_bytes',"
    " d ->> '$.shared_bytes', d ->> '$.swap_bytes', d ->> '$.descriptors'"
    " FROM (SELECT iif(json_valid(details), details, '{}') AS d FROM watchdog_events"
    " WHERE eid = ?1)";

typedef struct {
  const Ctl *ctl;
  const CtlChain *chain;
  gint64 asked;
  CtlSections sections;
  GStringChunk *texts; /* of the finding */
  CtlFinding finding;  /* of all the series */
  CtlFinding newest;   /* of the main event alone */
  guint times;         /* how many the series has */
} Story;

static gboolean
read_series(Story *story, GError **error)
{
  const gint64 eid = ctl_chain_main(story->chain);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(story->ctl, series_sql, &eid, error);
  int result;
  while ((result = ctl_step(story->ctl, stmt, error)) == SQLITE_ROW) {
    if (!ctl_finding_read(stmt, story->texts, &story->newest))
      continue;
    if (story->times++ == 0)
      story->finding = story->newest;
    else
      ctl_finding_add(&story->finding, &story->newest);
  }
  if (result != SQLITE_DONE)
    return FALSE;
  if (story->times > 0) {
    ctl_life_read(story->ctl->db, &story->newest);
    story->finding.growth = story->newest.growth;
    return TRUE;
  }
  g_set_error_literal(error, WD_STORE_ERROR, WD_STORE_ERROR_MISSING,
                      "the event is gone from the history, or of a newer version than this");
  return FALSE;
}

/* @stmt: at the row of main_sql. */
static void
print_headline(const Story *story, sqlite3_stmt *stmt)
{
  const CtlFinding *newest = &story->newest;
  gint64 time_s = sqlite3_column_int64(stmt, 0);
  g_autofree char *pid = ctl_visible_value(stmt, 1);
  g_autofree char *words =
      ctl_words_of_event(newest->event, newest->reason, newest->exit_code, newest->exit_signal);
  g_autofree char *age = ctl_human_age(g_get_real_time() / G_USEC_PER_SEC - time_s);
  g_autofree char *time = ctl_human_time(time_s);
  CtlColour colour = ctl_colour_of_event(newest->event);
  g_autofree char *text =
      g_strdup_printf("%s%s%s%s: %s, %s (%s)", newest->name, *pid != '\0' ? "[" : "", pid,
                      *pid != '\0' ? "]" : "", words, age, time);
  fputs(ctl_colour_begin(&story->sections.terminal, colour), story->ctl->out);
  ctl_print_wrapped(&story->sections.terminal, text, 0, story->ctl->out);
  fprintf(story->ctl->out, "%s\n", ctl_colour_end(&story->sections.terminal, colour));
}

/* Against which limit, what isn't counted, and how far it went from there. */
static char *
memory_words(const CtlFinding *newest)
{
  GString *text = g_string_new(NULL);
  g_autofree char *used = ctl_human_bytes(newest->measured, WD_NONE);
  g_autofree char *limit = ctl_human_bytes(newest->limit_value, WD_NONE);
  g_string_append_printf(text, "It used %s of memory", used);
  if (newest->baseline_bytes >= 0) {
    g_autofree char *baseline = ctl_human_bytes(newest->baseline_bytes, WD_NONE);
    g_string_append_printf(text, " more than the %s at its start", baseline);
  }
  g_string_append_printf(text, "; the limit is %s.", limit);
  if (newest->peak_bytes > newest->measured) {
    g_autofree char *peak = ctl_human_bytes(newest->peak_bytes, WD_NONE);
    g_string_append_printf(text, " It grew to %s before it was gone.", peak);
  }
  return g_string_free(text, FALSE);
}

/* The measured value and its limit; the log's line for an end without them. */
static char *
measure_words(const CtlFinding *newest, const char *message)
{
  gboolean measured = newest->measured != WD_NONE && newest->limit_value != WD_NONE;
  if (measured && newest->reason == WD_REASON_MEMORY)
    return memory_words(newest);
  if (measured && newest->reason == WD_REASON_CPU)
    return g_strdup_printf("It used %.1f %% of all CPUs (%" G_GINT64_FORMAT
                           " ms where %" G_GINT64_FORMAT
                           " ms are allowed); the limit is %" G_GINT64_FORMAT
                           " %%, and it had been over it for %" G_GINT64_FORMAT " s.",
                           newest->utilization, newest->measured, newest->limit_value,
                           newest->utilization_limit, newest->sustained_s);
  if (measured && newest->reason == WD_REASON_UNRESPONSIVE) {
    g_autofree char *silent = ctl_human_ms(newest->measured);
    g_autofree char *limit = ctl_human_ms(newest->limit_value);
    return g_strdup_printf("It had not answered its pings for %s; the limit is %s.", silent, limit);
  }
  return g_strdup_printf("%s%s", message,
                         *message == '\0' || g_str_has_suffix(message, ".") ? "" : ".");
}

static void
print_why(const Story *story, sqlite3_stmt *stmt)
{
  g_autofree char *message = ctl_visible_value(stmt, 2);
  g_autofree char *measure = measure_words(&story->newest, message);
  g_autoptr(GString) text = g_string_new(measure);
  if (story->newest.lifetime_ms >= 0 && story->newest.event != WD_EVENT_QUERY_DENYLISTED) {
    g_autofree char *lifetime = ctl_human_ms(story->newest.lifetime_ms);
    g_string_append_printf(text, " It had lived %s.", lifetime);
  }
  if (story->times > 1)
    g_string_append_printf(text, " That happened %u times within a day.", story->times);
  ctl_section_print(&story->sections, "Why", text->str);
}

static void
print_growth(const Story *story)
{
  g_autofree char *words = ctl_growth_words(&story->newest.growth);
  if (words != NULL)
    ctl_section_print(&story->sections, "Growth", words);
}

static gboolean
print_threads(const Story *story, gint64 breach, const char *interval, GError **error)
{
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(story->ctl, threads_sql, &breach, error);
  g_autoptr(GString) text = g_string_new(NULL);
  int result;
  while ((result = ctl_step(story->ctl, stmt, error)) == SQLITE_ROW) {
    g_autofree char *name = ctl_visible_value(stmt, 0);
    g_autofree char *tid = ctl_visible_value(stmt, 1);
    g_autofree char *cpu_ms = ctl_visible_value(stmt, 2);
    g_string_append_printf(text, "%s%s[%s] %s ms", text->len > 0 ? ", " : "", name, tid, cpu_ms);
  }
  if (text->len > 0) {
    g_string_append_printf(text, " of CPU time %s", interval);
    ctl_section_print(&story->sections, "Threads", text->str);
  }
  return result == SQLITE_DONE;
}

static void
append_bytes(GString *text, const char *what, gint64 bytes)
{
  if (bytes < 0)
    return;
  g_autofree char *size = ctl_human_bytes(bytes, WD_NONE);
  g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", what, size);
}

/* What the process was doing then. */
static gboolean
print_details(const Story *story, GError **error)
{
  gint64 breach = ctl_chain_breach(story->chain);
  if (breach == WD_NONE)
    return TRUE;
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(story->ctl, details_sql, &breach, error);
  int result = ctl_step(story->ctl, stmt, error);
  if (result != SQLITE_ROW)
    return result == SQLITE_DONE;
  gint64 interval_ms = ctl_integer(stmt, 0);
  g_autofree char *duration = interval_ms >= 0 ? ctl_human_ms(interval_ms) : NULL;
  g_autofree char *interval = duration != NULL ? g_strdup_printf("in the last %s", duration)
                                               : g_strdup("since they were started");
  if (!print_threads(story, breach, interval, error))
    return FALSE;
  g_autoptr(GString) text = g_string_new(NULL);
  append_bytes(text, "anonymous", ctl_integer(stmt, 1));
  append_bytes(text, "files", ctl_integer(stmt, 2));
  append_bytes(text, "shared", ctl_integer(stmt, 3));
  append_bytes(text, "swapped", ctl_integer(stmt, 4));
  if (text->len > 0) {
    gint64 descriptors = ctl_integer(stmt, 5);
    if (descriptors >= 0)
      g_string_append_printf(text, "; %" G_GINT64_FORMAT " open files", descriptors);
    ctl_section_print(&story->sections, "Memory", text->str);
  }
  return TRUE;
}

static const char *
outcome_words(const char *outcome)
{
  return g_strcmp0(outcome, "graceful") == 0 ? "it exited gracefully"
         : g_strcmp0(outcome, "killed") == 0 ? "it had to be killed"
         : g_strcmp0(outcome, "stuck") == 0
             ? "it survived even SIGKILL for a while"
             : "the watchdog ended before it could record the outcome";
}

static void
print_signals(const Story *story, sqlite3_stmt *stmt)
{
  g_autofree char *signals = ctl_visible_value(stmt, 3);
  g_autofree char *outcome = ctl_visible_value(stmt, 5);
  if (*signals == '\0')
    return;
  g_autoptr(GString) text = g_string_new(signals);
  gint64 duration_ms = ctl_integer(stmt, 4);
  if (duration_ms >= 0) {
    g_autofree char *duration = ctl_human_ms(duration_ms);
    g_string_append_printf(text, "; gone after %s", duration);
  }
  if (*outcome != '\0')
    g_string_append_printf(text, ": %s", outcome_words(outcome));
  ctl_section_print(&story->sections, "Signals", text->str);
}

/* The messages of the story's events. */
static gboolean
print_timeline(const Story *story, GError **error)
{
  g_autofree char *sql = ctl_chain_select(story->chain, "eid, time, message");
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(story->ctl, sql, NULL, error);
  const GArray *eids = ctl_chain_eids(story->chain);
  gint64 greatest = g_array_index(eids, gint64, eids->len - 1);
  int number_width = snprintf(NULL, 0, "%" G_GINT64_FORMAT "*", greatest);
  guint n = 0;
  int result;
  while ((result = ctl_step(story->ctl, stmt, error)) == SQLITE_ROW) {
    if (n++ >= MOST_LISTED)
      continue;
    gint64 eid = sqlite3_column_int64(stmt, 0);
    g_autofree char *time = ctl_human_time(sqlite3_column_int64(stmt, 1));
    g_autofree char *number =
        g_strdup_printf("%" G_GINT64_FORMAT "%s", eid, eid == story->asked ? "*" : "");
    g_autofree char *message = ctl_visible_value(stmt, 2);
    g_autofree char *text = g_strdup_printf("%s  %-*s  %s", time, number_width, number, message);
    ctl_section_print(&story->sections, n == 1 ? "Timeline" : "", text);
  }
  if (n > MOST_LISTED) {
    g_autofree char *text = g_strdup_printf("and %u more (--json shows all)", n - MOST_LISTED);
    ctl_section_print(&story->sections, "", text);
  }
  return result == SQLITE_DONE;
}

static void
print_advice(const Story *story)
{
  CtlLimits limits;
  CtlFlags flags = CTL_FLAGS_NONE;
  ctl_limits_read(story->ctl->db, &limits);
  ctl_flags_raise(&flags, &story->finding, &limits);
  g_autofree char *advice = ctl_advice(&story->finding, &limits, &flags);
  if (advice != NULL)
    ctl_section_print(&story->sections, "Change", advice);
}

gboolean
ctl_story_print(const Ctl *ctl, const CtlChain *chain, gint64 asked, GError **error)
{
  g_autoptr(GStringChunk) texts = g_string_chunk_new(256);
  Story story = {.ctl = ctl,
                 .chain = chain,
                 .asked = asked,
                 .sections = {.ctl = ctl, .terminal = ctl_terminal_of(ctl->out)},
                 .texts = texts};
  const gint64 eid = ctl_chain_main(chain);
  g_autoptr(sqlite3_stmt) stmt = ctl_prepare(ctl, main_sql, &eid, error);
  if (stmt == NULL || !read_series(&story, error))
    return FALSE;
  int result = ctl_step(ctl, stmt, error);
  if (result != SQLITE_ROW) /* SQLITE_DONE: pruned meanwhile */
    return result == SQLITE_DONE;
  print_headline(&story, stmt);
  print_why(&story, stmt);
  print_growth(&story);
  if (!print_details(&story, error) ||
      !ctl_query_print(&story.sections, chain, &story.newest, error) ||
      !ctl_remains_print(&story.sections, eid, error))
    return FALSE;
  print_signals(&story, stmt);
  if (!print_timeline(&story, error))
    return FALSE;
  print_advice(&story);
  return TRUE;
}
